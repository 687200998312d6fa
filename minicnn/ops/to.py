"""From one memory to another: the computer's and the GPU's."""

from types import ModuleType

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.place import destination, move


class To(Function):
    """y = x in another place: dx = dy, back where x is."""

    def forward(self, x: Array, *, xp: ModuleType) -> Array:
        self.home = array_module(x)
        return move(x, xp)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (move(dy, self.home),)


def to(x: Tensor, backend: str) -> Tensor:
    """The values of `x` where a backend computes: on the GPU for "cupy", in main memory for all others; `x` itself if it is there already.

    Which backend computes is another matter: `minicnn.set_backend`.

    Shapes:
        x: any; the result has the same.

    Raises:
        BackendError: no such backend, or it cannot run here.
        ArgumentError: an element type, for which there is `astype`.

    Example:
        >>> x = Tensor([1.0, 2.0])
        >>> to(x, "numpy") is x
        True
    """
    x, xp = as_tensor(x), destination(backend, "x").xp
    return x if isinstance(x.data, xp.ndarray) else To.apply(x, xp=xp)
