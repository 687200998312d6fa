"""Draws docs/images/augmentations.png: one drawn scene, and what each augmentation makes of it.

Run: python tools/augmentations_picture.py
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from minicnn.autograd import Tensor
from minicnn.data import mixup
from minicnn.data.transforms import (
    ColorJitter,
    Cutout,
    MultiScale,
    PCALighting,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    TenCrop,
    Transform,
)
from minicnn.kernels.types import Array

SIDE, GAP, TITLE, COLUMNS = 112, 6, 170, 5
FILE = Path(__file__).resolve().parents[1] / "docs" / "images" / "augmentations.png"


def scene() -> Array:
    """A house, a tree and the sun, as bytes (3, SIDE, SIDE)."""
    size = 4 * SIDE  # drawn large and made smaller, so that edges are smooth
    image = Image.new("RGB", (size, size), "#8ec5e8")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 300, size, size), fill="#6fa84f")
    draw.ellipse((330, 40, 410, 120), fill="#f7d24a")
    draw.rectangle((70, 200, 250, 350), fill="#d98850")
    draw.polygon([(50, 200), (160, 110), (270, 200)], fill="#8c2f2a")
    draw.rectangle((140, 270, 185, 350), fill="#4a2f22")
    draw.rectangle((90, 225, 130, 260), fill="#e9f4fb")
    draw.rectangle((330, 260, 350, 360), fill="#5f4128")
    draw.ellipse((290, 160, 390, 290), fill="#2f6b33")
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)).transpose(2, 0, 1).copy()


def other_scene() -> Array:
    """A boat, to be mixed with the house."""
    size = 4 * SIDE
    image = Image.new("RGB", (size, size), "#f3d9b1")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 280, size, size), fill="#2c5f8a")
    draw.polygon([(80, 260), (370, 260), (310, 330), (140, 330)], fill="#7a1f3d")
    draw.polygon([(220, 60), (220, 245), (340, 245)], fill="#ffffff")
    draw.polygon([(205, 100), (205, 245), (110, 245)], fill="#e8e8e8")
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)).transpose(2, 0, 1).copy()


def rows() -> list[tuple[str, list[Array]]]:
    """Each name, with its pictures."""
    x, crops = scene(), TenCrop(SIDE * 3 // 4)
    transforms: dict[str, Transform] = {
        "RandomHorizontalFlip()": RandomHorizontalFlip(),
        "RandomVerticalFlip()": RandomVerticalFlip(),
        "RandomCrop(112, padding=14)": RandomCrop(SIDE, padding=SIDE // 8),
        "RandomResizedCrop(112)": RandomResizedCrop(SIDE),
        "MultiScale(112, 128, 256)": MultiScale(SIDE, SIDE * 8 // 7, SIDE * 16 // 7),
        "ColorJitter(0.4, 0.4, 0.4)": ColorJitter(0.4, 0.4, 0.4),
        "ColorJitter(hue=0.5)": ColorJitter(hue=0.5),
        "PCALighting(std=1), ten times\nAlexNet's 0.1": PCALighting(std=1),
        "Cutout(56)": Cutout(SIDE // 2, fill=128),
    }
    drawn = [(name, [transform(x, np.random.default_rng(seed)) for seed in range(COLUMNS)]) for name, transform in transforms.items()]
    pair, labels = Tensor(np.stack([x, other_scene()]).astype(np.float32)), Tensor([0, 1])
    batches = [mixup(pair, labels, np.random.default_rng(seed), alpha=1) for seed in range(COLUMNS)]
    mixed = [batch.images.numpy()[0].astype(np.uint8) for batch in batches]
    return [("the image", [x]), *drawn, ("mixup(alpha=1)\nwith a boat", mixed), ("TenCrop(84), five of ten", list(crops(x)[:5]))]


def picture() -> Image.Image:
    """The whole page."""
    found = rows()
    page = Image.new("RGB", (TITLE + COLUMNS * (SIDE + GAP), len(found) * (SIDE + GAP) + GAP), "white")
    draw = ImageDraw.Draw(page)
    for row, (name, images) in enumerate(found):
        top = GAP + row * (SIDE + GAP)
        draw.text((GAP, top + SIDE // 2 - 8), name, fill="black")
        for column, image in enumerate(images):
            page.paste(Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))), (TITLE + column * (SIDE + GAP), top))
    return page


if __name__ == "__main__":
    picture().quantize(256).save(FILE, optimize=True)
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")
