"""Drawn figures: pictures that are made when they are asked for, and all that is known of them."""

from minicnn.data.shapes.caption import decode_caption, encode_caption
from minicnn.data.shapes.scene import Placed, Scene
from minicnn.data.shapes.shapes import Shapes, collate_boxes

__all__ = ["Placed", "Scene", "Shapes", "collate_boxes", "decode_caption", "encode_caption"]
