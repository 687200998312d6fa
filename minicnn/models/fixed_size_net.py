"""What AlexNet and ZFNet share: images of one size."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.errors import ShapeError
from minicnn.ops import checks


class FixedSizeNet(nn.Module):
    """Convolutions, then linear layers that need maps of one size, hence images of one size.

    Attributes:
        input_shape: (C, H, W) of an image.
        size_rule: why it must be this size, for the message.
        features: the convolutions and poolings.
        classifier: the linear layers.
    """

    input_shape: tuple[int, int, int]
    size_rule: str
    features: nn.Sequential
    classifier: nn.Sequential

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) of `input_shape` to scores (N, num_classes)."""
        checks.axes(type(self).__name__, x, 4, "(N, C, H, W)")
        if x.shape[2:] != self.input_shape[1:]:
            H, W = self.input_shape[1:]
            raise ShapeError(f"images must be {H}x{W} pixels: {self.size_rule}; x is {x.shape}: resize or crop them")
        return self.classifier(self.features(x).flatten(1))
