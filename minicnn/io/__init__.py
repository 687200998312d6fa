"""Files: checkpoints, and images to look at."""

from minicnn.io.checkpoint import FORMAT, load_checkpoint, load_model, save_checkpoint
from minicnn.io.image import read_image

__all__ = ["FORMAT", "load_checkpoint", "load_model", "read_image", "save_checkpoint"]
