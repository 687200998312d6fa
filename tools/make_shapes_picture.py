"""Draws docs/images/shapes.png: pictures of `Shapes`, and scenes with their boxes. Needs Pillow.

    python tools/make_shapes_picture.py
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from minicnn.data import Scene, Shapes
from minicnn.detection import OrientedBoxes

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "shapes.png"
ZOOM, GAP = 2, 4


def drawn(scene: Scene) -> Image.Image:
    """The picture, each of its pixels a square."""
    pixels = np.uint8(scene.image.transpose(1, 2, 0) * 255)
    return Image.fromarray(pixels.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1))


def boxed(scene: Scene) -> Image.Image:
    """The picture with its amodal boxes in white, modal ones in black, oriented ones in magenta."""
    image = drawn(scene)
    pen = ImageDraw.Draw(image)
    for amodal, modal, corners in zip(scene.amodal, scene.modal, OrientedBoxes(scene.oriented).corners, strict=True):
        pen.polygon([tuple(corner) for corner in corners * ZOOM], outline="magenta")
        pen.rectangle((amodal * ZOOM - [0, 0, 1, 1]).tolist(), outline="white")
        pen.rectangle((modal * ZOOM - [-1, -1, 2, 2]).tolist(), outline="black")
    return image


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Rows of images on white."""
    page = Image.new("RGB", (sum(i.width + GAP for i in rows[0]) - GAP, sum(r[0].height + GAP for r in rows) - GAP), "white")
    y = 0
    for row in rows:
        x = 0
        for image in row:
            page.paste(image, (x, y))
            x += image.width + GAP
        y += row[0].height + GAP
    return page


if __name__ == "__main__":
    single, several = Shapes(size=46), Shapes(size=96, objects=(2, 4))
    rows = [[drawn(single.scene(8 * row + i)) for i in range(8)] for row in range(2)]
    page = sheet([*rows, [boxed(several.scene(i)) for i in range(4)]])
    page.point(lambda value: value & 0xF0 | value >> 4).save(TARGET, optimize=True)  # four bits a channel: noise in eight compresses badly
    print(f"{TARGET.name}: {page.width}x{page.height}, {TARGET.stat().st_size / 1000:.0f} kB")
    print(*(several.scene(i).caption for i in range(4)), sep="\n")
