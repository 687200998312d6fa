"""What a trained network has learnt, put to another use: its features, and the pictures that are near each other in them."""

from minicnn.transfer.features import extract, features
from minicnn.transfer.neighbours import Neighbours, neighbours

__all__ = ["Neighbours", "extract", "features", "neighbours"]
