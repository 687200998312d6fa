"""Datasets, loaders and transforms: from files and arrays to batches of tensors."""

from minicnn.data import imagenet, transforms
from minicnn.data.batch import stack
from minicnn.data.dataset import ArrayDataset, Dataset, Subset, random_split
from minicnn.data.digits import Digits
from minicnn.data.loader import DataLoader

__all__ = ["ArrayDataset", "DataLoader", "Dataset", "Digits", "Subset", "imagenet", "random_split", "stack", "transforms"]
