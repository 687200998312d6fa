"""Transforms: functions of an image and a random generator that return the image as the network shall see it.

An image is an array (C, H, W). A transform draws every random number from the generator that it is given, so
that a sample looks the same in each run with the same seed, whichever process prepares it.
"""

from minicnn.data.transforms.color_jitter import ColorJitter
from minicnn.data.transforms.compose import Compose, Transform, check_transform
from minicnn.data.transforms.crop import CenterCrop, RandomCrop, RandomShift
from minicnn.data.transforms.cutout import Cutout
from minicnn.data.transforms.flip import RandomHorizontalFlip, RandomVerticalFlip
from minicnn.data.transforms.pca_lighting import PCALighting
from minicnn.data.transforms.resize import Resize, resize
from minicnn.data.transforms.resized_crop import MultiScale, RandomResizedCrop
from minicnn.data.transforms.values import Normalize, ToFloat
from minicnn.data.transforms.views import FiveCrop, MultiScaleViews, TenCrop

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "Cutout",
    "FiveCrop",
    "MultiScale",
    "MultiScaleViews",
    "Normalize",
    "PCALighting",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomShift",
    "RandomVerticalFlip",
    "Resize",
    "TenCrop",
    "ToFloat",
    "Transform",
    "check_transform",
    "resize",
]
