"""Which way a convolution is computed: the fastest, or the one that somebody asked for."""

ALGORITHMS = ("auto", "gemm", "winograd")
_algorithm = "auto"


def conv_algorithm() -> str:
    """What `set_conv_algorithm` said last."""
    return _algorithm


def set_conv_algorithm(name: str) -> None:
    """One of ALGORITHMS."""
    global _algorithm  # noqa: PLW0603 - a setting of the process
    _algorithm = name
