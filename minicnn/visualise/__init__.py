"""What a network sees: its filters, its maps of activations, and which pixels a score depends on. Functions return arrays; `draw` draws them."""

from minicnn.visualise.activations import activations
from minicnn.visualise.draw import Panel, draw, mosaic
from minicnn.visualise.filters import filters
from minicnn.visualise.grad_cam import grad_cam
from minicnn.visualise.occlusion import occlusion
from minicnn.visualise.saliency import saliency

__all__ = ["Panel", "activations", "draw", "filters", "grad_cam", "mosaic", "occlusion", "saliency"]
