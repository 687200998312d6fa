"""The pictures of the documentation, drawn by minicnn.draw.svg: a function for each, which gives the text of an SVG file."""

from collections.abc import Callable

from pictures import (
    conv_backward,
    convolution,
    house,
    im2col,
    networks,
    norms,
    pool,
    roi,
    stride_padding,
    threads,
    winograd,
)

PICTURES: dict[str, Callable[[], str]] = {
    "convolution": convolution.draw,
    "convolution_stride_padding": stride_padding.draw,
    "conv_backward": conv_backward.draw,
    "im2col": im2col.draw,
    "max_pool": pool.draw_max,
    "avg_pool": pool.draw_avg,
    "winograd": winograd.draw,
    "batch_norm_axes": norms.draw,
    "roi_align": roi.draw,
    "residual": networks.draw_residual,
    "receptive_field": networks.draw_receptive_field,
    "threads": threads.draw,
    "house": house.draw,
}
