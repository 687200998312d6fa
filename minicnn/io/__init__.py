"""Files: weights, checkpoints, and images to look at."""

from minicnn.io.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from minicnn.io.image import read_image
from minicnn.io.picture import read_picture
from minicnn.io.weights import load_weights, save_weights

__all__ = ["FORMAT", "load_checkpoint", "load_weights", "read_image", "read_picture", "save_checkpoint", "save_weights"]
