"""What is counted: means over images, and nothing to divide by at the start."""

import numpy as np

from minicnn.train import Metrics


def test_metrics_are_means_over_images_not_over_batches():
    metrics = Metrics()
    metrics.add(1.0, np.array([[1.0, 0.0]] * 3), np.array([0, 0, 1]))
    metrics.add(5.0, np.array([[1.0, 0.0]]), np.array([1]))
    assert metrics.loss == 2.0
    assert metrics.accuracy == 0.5


def test_before_the_first_batch_everything_is_0():
    metrics = Metrics()
    assert (metrics.loss, metrics.accuracy, metrics.images_per_second) == (0, 0, 0)


def test_speed_is_images_by_seconds_up_to_the_last_batch():
    metrics = Metrics(images=30, seconds=1.5)
    assert metrics.images_per_second == 20
