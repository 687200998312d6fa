"""The augmentations of the papers, and the images that they are for."""

import dataclasses

import numpy as np
import pytest

from minicnn.data import ArrayDataset
from minicnn.data.transforms import RandomShift
from minicnn.errors import ArgumentError
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.datasets import ImageSet
from minicnn.train.recipe import Recipe

NOTHING = ArrayDataset(np.zeros((1, 3, 2, 2)), np.zeros(1))
IMAGENET = ImageSet(NOTHING, NOTHING, ("a",), (3, 224, 224), RandomShift(1), None, lambda path: (np.zeros(1), []))
LIGHT = "PCALighting(std=0.1, eigenvalues=(0.2175, 0.0188, 0.0045))"
PAPERS = {  # for windows of 224 pixels
    "usual": ["RandomShift"],
    "none": [],
    "crop-flip": ["RandomHorizontalFlip", "RandomCrop (224, 224) (28, 28, 28, 28)"],
    "alexnet": ["Resize(shorter side 256, bilinear)", "RandomCrop (224, 224) (0, 0, 0, 0)", "RandomHorizontalFlip", LIGHT],
    "vgg": ["MultiScale(224x224, shorter side 256..512)", "RandomHorizontalFlip", LIGHT],
    "resnet": ["MultiScale(224x224, shorter side 256..480)", "RandomHorizontalFlip", LIGHT],
    "inception": ["RandomResizedCrop(224x224, area=0.08..1, ratio=0.75..1.33)", "RandomHorizontalFlip", "ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0)"],
}


def described(step):
    """As it says of itself; those that say nothing, by name."""
    name = type(step).__name__
    if name == "RandomCrop":
        return f"{name} {step.size} {step.padding}"
    return name if repr(step).startswith("<") else repr(step)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_what_is_in_them(name):
    made = AUGMENTATIONS[name](IMAGENET)
    steps = [] if made is None else getattr(made, "transforms", [made])
    assert [described(step) for step in steps] == PAPERS[name]


@pytest.mark.parametrize("name", ["alexnet", "vgg", "resnet", "inception"])
def test_grey_images_have_no_colours_to_change(name):
    with pytest.raises(ArgumentError, match=rf"the augmentation {name} changes colours, and these images have 1 channel\(s\): take usual, none or crop-flip"):
        AUGMENTATIONS[name](dataclasses.replace(IMAGENET, shape=(1, 32, 32)))
    with pytest.raises(ArgumentError, match="changes colours"):
        Recipe(augment=name).build()
