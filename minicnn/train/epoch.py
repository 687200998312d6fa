"""What one pass over the training images gave."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave. Training figures are means over the pass, while the weights moved.

    Attributes:
        epoch: its number, from 1.
        lr: the learning rate at its beginning.
        train_loss, train_accuracy: of the images trained on; accuracies are shares of images, from 0 to 1.
        test_loss, test_accuracy: of the held-out images, after the pass.
        seconds: time spent on training, without evaluation.
        images_per_second: trained on in that time.
        validation_loss, validation_accuracy: of the validation images, after the pass; None if there are none.
    """

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
