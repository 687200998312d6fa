"""Several networks, and several views of an image, as one."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.train.ensemble import Verdict, average, judge
from minicnn.train.views import at_sizes, flipped, ten_crop


class LeftHalf(nn.Module):
    """Scores: the sum of the left half, and 0."""

    def forward(self, x):
        left = x[:, 0, :, : x.shape[3] // 2].sum(axis=(1, 2))
        return minicnn.ops.stack([left, left * 0], axis=1)


IMAGES = Tensor(np.array([[[[2.0, 0.0]]], [[[0.0, 1.0]]]], np.float32))
LABELS = Tensor(np.array([0, 1]))


def sigmoid(x):
    return 1 / (1 + np.exp(-np.float64(x)))


def test_probabilities_of_views_are_averaged_not_their_scores():
    verdict = judge(LeftHalf(), [(IMAGES, LABELS)], views=flipped)
    np.testing.assert_allclose(verdict.probabilities[:, 0], [(sigmoid(2) + 0.5) / 2, (0.5 + sigmoid(1)) / 2], rtol=1e-6)
    np.testing.assert_allclose(verdict.probabilities.sum(axis=1), 1)
    assert verdict.accuracy == 0.5
    assert verdict.loss == pytest.approx(-(np.log((sigmoid(2) + 0.5) / 2) + np.log(1 - (0.5 + sigmoid(1)) / 2)) / 2, rel=1e-6)
    assert verdict.confusions() == [((1, 0), 1)]


def test_ten_windows_are_where_they_should_be():
    x = np.arange(2 * 16 * 8, dtype=np.float32).reshape(1, 2, 16, 8) + 1
    views = [view.numpy() for view in ten_crop(Tensor(x))]
    assert len(views) == 10
    np.testing.assert_array_equal(views[4], x)
    np.testing.assert_array_equal(views[9], x[..., ::-1])
    np.testing.assert_array_equal(views[0][:, :, 2:, 1:], x[:, :, :-2, :-1])
    np.testing.assert_array_equal(views[1][:, :, 2:, :-1], x[:, :, :-2, 1:])
    np.testing.assert_array_equal(views[2][:, :, :-2, 1:], x[:, :, 2:, :-1])
    np.testing.assert_array_equal(views[3][:, :, :-2, :-1], x[:, :, 2:, 1:])
    assert all((view == 0).sum() == 2 * (2 * 8 + 14) for view in views[:4])


def test_sizes():
    assert [view.shape for view in at_sizes(IMAGES, [3, 5])] == [(2, 1, 3, 3), (2, 1, 5, 5)]
    with pytest.raises(ArgumentError, match="at_sizes: sizes must be integers >= 1"):
        at_sizes(IMAGES, [])


def test_an_ensemble_of_unequal_verdicts_is_refused():
    one = Verdict(np.array([[0.5, 0.5]]), np.array([1]))
    for other in (Verdict(np.array([[0.5, 0.5]]), np.array([0])), Verdict(np.ones((1, 3)) / 3, np.array([1]))):
        with pytest.raises(ShapeError, match="asked about the same images, with the same classes"):
            average([one, other])
    with pytest.raises(ArgumentError, match="judge: there are no images"):
        judge(LeftHalf(), [])


def test_top_k():
    verdict = Verdict(np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]), np.array([1, 0]))
    assert [verdict.top(k) for k in (1, 2, 3)] == [0.0, 0.5, 1.0]
    with pytest.raises(ArgumentError, match="k must be from 1 to the 3 classes, not 4"):
        verdict.top(4)
