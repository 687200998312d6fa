"""From probabilities to a sentence: take the best word each time, or keep several beginnings in mind."""

from __future__ import annotations

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import get_backend
from minicnn.captioning.captioner import Captioner, State
from minicnn.data.shapes.caption import END, PAD, START
from minicnn.kernels.types import Array
from minicnn.nn.mode import evaluating
from minicnn.ops import log_softmax


def greedy(decoder: Captioner, images: Tensor, length: int = 15) -> Array:
    """Captions in which each word is the most probable after those before.

    Args:
        decoder: a `Captioner`, or any module with its `begin` and `step`; in evaluation mode meanwhile.
        images: (N, C, H, W).
        length: tokens of a caption at most, with start and end: one that has not ended by then is cut off.

    Returns:
        (N, length) int64: start, words, end, padding.

    Raises:
        ArgumentError: the length is below 2.

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> from minicnn.captioning import Captioner
        >>> greedy(Captioner(nn.Flatten(), 12, vocabulary=32), minicnn.zeros(5, 3, 2, 2), length=7).shape
        (5, 7)
    """
    tokens = np.full((len(images), checks.integer(length, "greedy: length", 2)), PAD, np.int64)
    tokens[:, 0] = START
    with evaluating(decoder), no_grad():
        state = decoder.begin(images)
        for t in range(1, length):
            log_p, state = _next(decoder, tokens[:, t - 1], state)
            tokens[:, t] = log_p.argmax(axis=1)
    return tokens


def beam_search(decoder: Captioner, images: Tensor, width: int = 3, length: int = 15) -> tuple[Array, Array]:
    """The most probable captions that can be found with `width` beginnings in mind.

    Each beginning is tried with every next word, and the `width` most probable of all these are kept; what has ended stays as it is. A width of 1 is
    `greedy`. It may miss the best caption, if that begins improbably; a greater width misses less.

    Args:
        decoder, images, length: as in `greedy`.
        width: beginnings that are kept.

    Returns:
        Captions (N, length) int64, and the logarithm of the probability of each, (N,) float64.

    Raises:
        ArgumentError: the width is below 1, or the length below 2.

    Source:
        O. Vinyals et al. 2015, sec. 3.1 "Inference" (there with a width of 20).

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> from minicnn.captioning import Captioner
        >>> captions, log_p = beam_search(Captioner(nn.Flatten(), 12, vocabulary=32), minicnn.zeros(5, 3, 2, 2), width=2, length=7)
        >>> captions.shape, log_p.shape
        ((5, 7), (5,))
    """
    checks.integer(width, "beam_search: width")
    checks.integer(length, "beam_search: length", 2)
    with evaluating(decoder), no_grad():
        state = decoder.begin(images)
        found = [_search(decoder, tuple(part[i : i + 1] for part in state), width, length) for i in range(len(images))]
    captions, log_p = zip(*found, strict=True)
    return np.stack(captions), np.array(log_p)


def _search(decoder: Captioner, state: State, width: int, length: int) -> tuple[Array, float]:
    """The best caption (length,) of one picture, and the logarithm of its probability."""
    beams, totals = np.full((1, length), PAD, np.int64), np.zeros(1)  # from the most probable beginning to the least
    beams[:, 0] = START
    for t in range(1, length):
        log_p, state = _next(decoder, beams[:, t - 1], state)
        longer = totals[:, None] + log_p
        best = np.argsort(-longer, axis=None, kind="stable")[:width]
        rows, words = np.divmod(best, longer.shape[1])
        beams, totals, state = beams[rows], longer.ravel()[best], tuple(part[rows] for part in state)
        beams[:, t] = words
        if beams[0, t] in (END, PAD):
            break  # the others can only become less probable
    return beams[0], float(totals[0])


def _next(decoder: Captioner, words: Array, state: State) -> tuple[Array, State]:
    """log p of each next word (N, vocabulary), float64: padding, and nothing else, after the end; and never a start, nor padding before the end."""
    scores, state = decoder.step(Tensor.wrap(get_backend().asarray(words)), state)
    log_p = log_softmax(scores, axis=1).numpy().astype(np.float64)
    log_p[:, [PAD, START]] = -np.inf
    ended = (words == END) | (words == PAD)
    log_p[ended] = -np.inf
    log_p[ended, PAD] = 0
    return log_p, state
