"""Local response normalisation."""

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.ops import checks
from minicnn.ops.autocast import cast

CONVENTIONS = ("torch", "paper")


class LocalResponseNorm(KernelFunction):
    """y = x D^-beta, D = k + a Σ x²: dx = dy D^-beta - 2 a beta x Σ (dy x D^-(beta + 1)) over the windows that hold x."""

    op = "local_response_norm"


def local_response_norm(
    x: Tensor,
    size: int,
    *,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    convention: str = "torch",
) -> Tensor:
    """Let each channel be inhibited by the channels next to it.

        y[n, c, h, w] = x[n, c, h, w] / (k + a · sum over j of x[n, j, h, w]²)^beta

    where j runs over the `size` channels from c - size // 2 to c + (size - 1) // 2, as far as they exist. The two
    conventions differ in a by a factor `size`; who copies a network's numbers must copy its convention, too:

        "torch"     a = alpha / size, as in PyTorch, Caffe and all networks whose weights come from there
        "paper"     a = alpha, as in the AlexNet paper, which uses size 5, alpha 1e-4, beta 0.75 and k 2

    Args:
        x: (N, C, ...), usually images (N, C, H, W).
        size: number of channels in a window.
        alpha: strength of the inhibition.
        beta: exponent.
        k: what is added to the sum.
        convention: what `alpha` multiplies: the mean over the window ("torch"), or the sum ("paper").

    Returns:
        A tensor like x.

    Raises:
        ShapeError: x has no channel axis, or is empty.
        DtypeError: x holds integers.
        ArgumentError: an attribute is out of range: with k > 0 and alpha >= 0 no power of a negative number, and no
            division by zero, can occur.

    Source:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", sec. 3.3.

    Example:
        >>> x = Tensor([[[1.0], [2.0], [0.0]]])
        >>> local_response_norm(x, 3, alpha=1.0, beta=1.0, k=3.0, convention="paper").numpy().ravel().tolist()
        [0.125, 0.25, 0.0]
    """
    (x,) = cast("local_response_norm", as_tensor(x))
    attributes = attributes_of_kernel("local_response_norm", size, alpha, beta, k, convention)
    checks.axes("local_response_norm", x, max(x.ndim, 2), "(N, C, ...)")
    checks.floating("local_response_norm", x=x)
    return LocalResponseNorm.apply(x, **attributes)


def attributes_of_kernel(
    place: str, size: int, alpha: float, beta: float, k: float, convention: str
) -> dict[str, float]:
    """Check the attributes, and turn alpha into the factor of the sum. `place` says in errors who asks.

    >>> attributes_of_kernel("LocalResponseNorm", 5, 1e-4, 0.75, 1, "torch")["alpha"]
    2e-05
    """
    size, k = checks.integer(size, f"{place}: size"), checks.positive(k, f"{place}: k")
    alpha, beta = checks.number(alpha, f"{place}: alpha", least=0), checks.number(beta, f"{place}: beta", least=0)
    divisor = size if checks.choice(convention, f"{place}: convention", CONVENTIONS) == "torch" else 1
    return {"size": size, "alpha": alpha / divisor, "beta": beta, "k": k}
