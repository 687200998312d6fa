"""Datasets, loaders and transforms: from files and arrays to batches of tensors."""

from minicnn.data import imagenet, transforms
from minicnn.data.batch import stack
from minicnn.data.cifar import CIFAR10, CIFAR100
from minicnn.data.dataset import ArrayDataset, Dataset, Subset, of_each_class, random_split
from minicnn.data.digits import Digits
from minicnn.data.image_folder import ImageFolder
from minicnn.data.loader import DataLoader
from minicnn.data.mixup import Mixed, mixup
from minicnn.data.mnist import MNIST, FashionMNIST
from minicnn.data.shapes import Scene, Shapes, collate_boxes

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "ArrayDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "ImageFolder",
    "Mixed",
    "Scene",
    "Shapes",
    "Subset",
    "collate_boxes",
    "imagenet",
    "mixup",
    "of_each_class",
    "random_split",
    "stack",
    "transforms",
]
