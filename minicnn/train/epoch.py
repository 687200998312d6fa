"""What one pass over the training images gave."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave. Training figures are means over the pass, while the weights moved."""

    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float
    images_per_second: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
