"""Nearest neighbours in features and in pixels."""

import numpy as np
import pytest

from minicnn import nn
from minicnn.data import ArrayDataset, DataLoader
from minicnn.errors import ArgumentError, ShapeError
from minicnn.transfer import neighbours
from minicnn.transfer.neighbours import distances, nearest_of

RNG = np.random.default_rng(71)
A, B = RNG.standard_normal((3, 5)), RNG.standard_normal((4, 5))


def test_distances_one_by_one():
    for i, a in enumerate(A):
        for j, b in enumerate(B):
            assert distances(A, B)[i, j] == pytest.approx(np.linalg.norm(a - b))
            assert distances(A, B, "cosine")[i, j] == pytest.approx(1 - a @ b / np.sqrt((a @ a) * (b @ b)))
    assert distances(A[:0], B).shape == (0, 4)


def test_bytes_do_not_wrap_around_and_nothing_is_near_zero():
    dark, bright = np.array([[0, 0]], np.uint8), np.array([[255, 255]], np.uint8)
    assert distances(dark, bright)[0, 0] == pytest.approx(255 * np.sqrt(2))
    assert distances(dark, bright, "cosine")[0, 0] == 1


def test_the_nearest_come_first_and_of_equal_ones_the_first():
    found = nearest_of(np.array([[3.0, 1.0, 2.0, 1.0]]), 3)
    assert found.indices.tolist() == [[1, 3, 2]]
    assert found.distances.tolist() == [[1, 1, 2]]


class Brightness(nn.Module):
    """One feature: the mean of an image, wherever in it the light is."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(1, 2)

    def forward(self, x):
        return self.head(x.mean(axis=(1, 2, 3)).reshape(-1, 1))


def test_features_and_pixels_have_neighbours_of_their_own():
    spot = np.zeros((4, 1, 4, 4), np.float32)
    spot[0, 0, 0, 0] = spot[1, 0, 3, 3] = 8  # as bright, but elsewhere
    spot[2, 0, 0, 0] = 4  # in the same place, but darker
    found, in_pixels = neighbours(Brightness(), spot[:1], DataLoader(ArrayDataset(spot[1:]), batch_size=2), count=3)
    assert found.indices.tolist() == [[0, 1, 2]]
    assert in_pixels.indices.tolist() == [[1, 2, 0]]
    np.testing.assert_allclose(found.distances, [[0, 0.25, 0.5]])
    np.testing.assert_allclose(in_pixels.distances, [[4, 8, np.sqrt(128)]])


def test_cosine_leaves_lengths_aside_and_maps_are_averaged():
    net = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(2, 3))
    net[0].weight = nn.Parameter(np.eye(2, dtype=np.float32)[:, :, None, None])
    x = np.zeros((3, 2, 4, 4), np.float32)
    x[0, :, 0, 0], x[1, :, 2, 2], x[2, :, 1, 1] = (1, 2), (10, 20), (2, 1)
    others = DataLoader(ArrayDataset(x[1:]), batch_size=2)
    assert neighbours(net, x[:1], others, "0", count=1)[0].indices.tolist() == [[1]]
    found = neighbours(net, x[:1], others, "0", count=1, metric="cosine")[0]
    assert found.indices.tolist() == [[0]]
    np.testing.assert_allclose(found.distances, 0, atol=1e-6)


def test_wrong_calls():
    with pytest.raises(ArgumentError, match="metric must be one of 'l2', 'cosine', not 'l1'"):
        distances(A, B, "l1")
    with pytest.raises(ShapeError, match=r"rows of one length, \(N, F\) and \(M, F\), not \(3, 5\) and \(4, 4\)"):
        distances(A, B[:, :4])
    with pytest.raises(ArgumentError, match="5 are wanted of each image, and there are only 4 images"):
        nearest_of(distances(A, B), 5)
    with pytest.raises(ArgumentError, match="count must be an integer >= 1"):
        nearest_of(distances(A, B), 0)
