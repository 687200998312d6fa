"""A learned vector for each of so many things, such as the words of a vocabulary."""

from minicnn import checks
from minicnn.autograd import Tensor, as_tensor
from minicnn.capture import is_capturing
from minicnn.errors import ArgumentError, DtypeError
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter


class Embedding(Module):
    """y = weight[x]: a row of the table for each number. The same as a linear layer on one-hot vectors, without the zeros.

    A row's gradient is the sum over all places where its number stood; the others get none.

    Attributes:
        weight: (num_embeddings, embedding_dim), drawn from the standard normal distribution, as in PyTorch.

    Raises:
        ArgumentError: a size is below 1 or no integer.

    Source:
        Bengio et al. 2003, "A neural probabilistic language model", sec. 2 (the matrix C).

    Example:
        >>> import minicnn
        >>> Embedding(1000, 64)(minicnn.tensor([[3, 1, 4], [1, 5, 9]])).shape
        (2, 3, 64)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__()
        self.num_embeddings = checks.integer(num_embeddings, "Embedding: num_embeddings")
        self.embedding_dim = checks.integer(embedding_dim, "Embedding: embedding_dim")
        self.weight = Parameter(init.normal((self.num_embeddings, self.embedding_dim)))

    def forward(self, x: Tensor) -> Tensor:
        """Integers of any shape (...) to (..., embedding_dim)."""
        x = as_tensor(x)
        if x.dtype.kind not in "iu":
            raise DtypeError(f"input must be integers, the numbers of rows, but x is {x.dtype}: convert with x.astype('int64')")
        if not is_capturing() and bool(((x.data < 0) | (x.data >= self.num_embeddings)).any()):  # otherwise there are no values yet
            raise ArgumentError(
                f"input must be from 0 to {self.num_embeddings - 1}, the rows of the table; x holds {int(x.data.min())} to {int(x.data.max())}: "
                "is the vocabulary larger than num_embeddings?"
            )
        return self.weight[x]

    def extra_repr(self) -> str:
        return self.describe(self.num_embeddings, self.embedding_dim)
