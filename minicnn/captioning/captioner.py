"""A captioner: a convolutional network whose features are the first thing a recurrent network reads; then it reads the words so far and says the next."""

from __future__ import annotations

from typing import TypeAlias

from minicnn import checks
from minicnn.autograd import Tensor, as_tensor
from minicnn.data.shapes.caption import PAD
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.nn import Embedding, Linear, LSTMCell, Module, RNNCell
from minicnn.ops import cross_entropy, stack

State: TypeAlias = tuple[Tensor, ...]
"""What a decoder remembers of the past, (N, hidden) each: (h, c) of an LSTM, (h,) of a simple recurrent network."""


class Captioner(Module):
    """The probability of each next word, given a picture and the words before it.

        x_-1  = W_v CNN(image) + b_v        the picture, as if it were a word: once, and first
        x_t   = W_e S_t                     the words S_0 = "<start>", S_1, ...
        p_t+1 = softmax(W_s LSTM(x_t) + b_s)

    Args:
        features: a network from images to (N, num_features).
        num_features: how many numbers it says of an image.
        vocabulary: words there are, marks included.
        cell: "lstm" or "rnn", the simple recurrent network.
        embedding: numbers for each word, and as many for the picture.
        hidden: size of the state.

    Raises:
        ArgumentError: a size is below 1 or no integer, or the cell is unknown.

    Source:
        O. Vinyals et al. 2015, "Show and tell: a neural image caption generator", eq. 10-12. A. Karpathy & L. Fei-Fei 2015, "Deep visual-semantic
        alignments for generating image descriptions", sec. 3.2, show the picture to a simple recurrent network in its first step in the same manner.

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> from minicnn.data import Shapes
        >>> captioner = Captioner(nn.Flatten(), 768, len(Shapes.words))
        >>> captioner(minicnn.zeros(4, 3, 16, 16), minicnn.tensor([[1, 3, 4, 2]] * 4)).shape
        (4, 3, 33)
    """

    def __init__(self, features: Module, num_features: int, vocabulary: int, *, cell: str = "lstm", embedding: int = 64, hidden: int = 128) -> None:
        super().__init__()
        checks.choice(cell, "Captioner: cell", ("lstm", "rnn"))
        self.num_features = checks.integer(num_features, "Captioner: num_features")
        vocabulary, embedding, hidden = (
            checks.integer(value, f"Captioner: {name}") for name, value in (("vocabulary", vocabulary), ("embedding", embedding), ("hidden", hidden))
        )
        self.features = features
        self.picture = Linear(self.num_features, embedding)
        self.words = Embedding(vocabulary, embedding)
        self.cell = LSTMCell(embedding, hidden) if cell == "lstm" else RNNCell(embedding, hidden)
        self.scores = Linear(hidden, vocabulary)

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Images (N, C, H, W) and captions (N, L) to scores (N, L - 1, vocabulary): at t those of the word at t + 1, after the true words up to t.

        That the words before are the true ones, and not what the network would have said, is called teacher forcing.
        """
        read = self.words(_checked_tokens(tokens, "Captioner")[:, :-1])
        state, said = self.begin(images), []
        for t in range(read.shape[1]):
            state = self._advance(read[:, t], state)
            said.append(state[0])
        return self.scores(stack(said, axis=1))

    def begin(self, images: Tensor) -> State:
        """The state after the picture, before the first word."""
        seen = self.features(images)
        if seen.ndim != 2 or seen.shape[1] != self.num_features:
            raise ShapeError(f"Captioner: features must be (N, {self.num_features}), they are {seen.shape}: does the network end with Flatten or a mean?")
        return self._advance(self.picture(seen), None)

    def step(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """One word (N,) of each caption to the scores (N, vocabulary) of the next, and the state after it."""
        state = self._advance(self.words(words), state)
        return self.scores(state[0]), state

    def _advance(self, x: Tensor, state: State | None) -> State:
        """One step of the cell, whichever it is."""
        if isinstance(self.cell, RNNCell):
            return (self.cell(x, None if state is None else state[0]),)
        return self.cell(x, state)


def caption_loss(scores: Tensor, tokens: Tensor) -> Tensor:
    """The mean of -log p(the next word) over all words of all captions, the end included. Padding does not count.

    Args:
        scores: (N, L - 1, vocabulary), from `Captioner`.
        tokens: captions (N, L) from start to end, then padding. What is asked for at t is the word at t + 1.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: tokens are no integers.
        ArgumentError: a token is not in the vocabulary, or there is nothing but padding.

    Source:
        O. Vinyals et al. 2015, eq. 13, as a mean instead of a sum.

    Example:
        >>> import minicnn
        >>> caption_loss(minicnn.zeros(1, 3, 8), minicnn.tensor([[1, 5, 2, 0]])).item() == minicnn.tensor([8.0]).log().item()
        True
    """
    scores, tokens = as_tensor(scores), _checked_tokens(tokens, "caption_loss")
    if scores.ndim != 3 or scores.shape[:2] != (len(tokens), tokens.shape[1] - 1):
        raise ShapeError(
            f"caption_loss: captions {tokens.shape} need scores ({len(tokens)}, {tokens.shape[1] - 1}, vocabulary), one row for each next word; they are {scores.shape}"
        )
    wanted = tokens[:, 1:].flatten()
    is_word = wanted != PAD
    if not bool(is_word.data.any()):
        raise ArgumentError("caption_loss: the captions are nothing but padding")
    counts = is_word.astype(scores.dtype)
    return (cross_entropy(scores.reshape(-1, scores.shape[2]), wanted, reduction="none") * counts).sum() / counts.sum()


def _checked_tokens(tokens: Tensor, where: str) -> Tensor:
    """Captions (N, L) of two tokens or more."""
    tokens = as_tensor(tokens)
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise ShapeError(f"{where}: captions must be (N, L), start and end at least, not {tokens.shape}")
    if tokens.dtype.kind not in "iu":
        raise DtypeError(f"{where}: tokens must be integers, they are {tokens.dtype}: see encode_caption")
    return tokens
