"""The captioner: its equations in NumPy, the gradient of its loss, what padding does, messages, and four pictures learned by heart."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, optim
from minicnn.captioning import Captioner, beam_search, caption_loss, greedy
from minicnn.data import Shapes
from minicnn.data.shapes import decode_caption
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing import gradcheck

CAPTIONS = np.array([[1, 5, 3, 2, 0], [1, 4, 5, 6, 2], [1, 2, 0, 0, 0]])


def tiny(cell, dtype="float64"):
    minicnn.manual_seed(3)
    trunk = nn.Sequential(nn.Conv2d(2, 2, 2), nn.Tanh(), nn.Flatten())
    return Captioner(trunk, 8, 7, cell=cell, embedding=2, hidden=3).astype(dtype)


def images(seed=0):
    return np.random.default_rng(seed).standard_normal((3, 2, 3, 3))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(captioner, cell, image, caption):
    """-log p of each word of one caption: eq. 10-12 of the paper, a row at a time."""
    p = {name: value.numpy() for name, value in captioner.named_parameters()}
    x = p["picture.weight"] @ captioner.features(Tensor(image[None])).numpy()[0] + p["picture.bias"]
    h = c = np.zeros(3)
    losses = []
    for this, following in zip([None, *caption], [None, *caption[1:], None], strict=True):
        if this is not None:
            x = p["words.weight"][this]
        a = p["cell.weight_ih"] @ x + p["cell.bias_ih"] + p["cell.weight_hh"] @ h + p["cell.bias_hh"]
        if cell == "rnn":
            h = np.tanh(a)
        else:
            i, f, g, o = a.reshape(4, 3)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        if following is not None:
            scores = p["scores.weight"] @ h + p["scores.bias"]
            losses.append(np.log(np.exp(scores).sum()) - scores[following])
    return losses


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_the_loss_is_that_of_the_paper(cell):
    captioner = tiny(cell)
    words = [caption[: list(caption).index(2) + 1] for caption in CAPTIONS]  # without padding
    expected = [loss for image, caption in zip(images(), words, strict=True) for loss in by_hand(captioner, cell, image, caption)]
    assert len(expected) == 3 + 4 + 1
    found = caption_loss(captioner(Tensor(images()), Tensor(CAPTIONS)), Tensor(CAPTIONS))
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_gradient_of_the_loss(cell):
    captioner = tiny(cell)
    parameters = dict(captioner.named_parameters())
    assert {name.partition(".")[0] for name in parameters} == {"features", "picture", "words", "cell", "scores"}
    gradcheck(lambda x: caption_loss(captioner(x, Tensor(CAPTIONS)), Tensor(CAPTIONS)), [images()], parameters=parameters, elements=12)  # all of them along random directions


def test_what_is_said_about_padding_counts_for_nothing():
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((3, 4, 7))
    padded = CAPTIONS[:, 1:] == 0
    others = np.where(padded[..., None], 100 * rng.standard_normal((3, 4, 7)), scores)
    assert caption_loss(Tensor(scores), Tensor(CAPTIONS)).item() == caption_loss(Tensor(others), Tensor(CAPTIONS)).item()
    given = Tensor(scores, requires_grad=True)
    caption_loss(given, Tensor(CAPTIONS)).backward()
    assert np.array_equal((given.grad.numpy() == 0).all(axis=2), padded)


def test_longer_padding_changes_nothing():
    captioner, longer = tiny("lstm"), np.pad(CAPTIONS, ((0, 0), (0, 3)))
    losses = [caption_loss(captioner(Tensor(images()), Tensor(tokens)), Tensor(tokens)).item() for tokens in (CAPTIONS, longer)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-14)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_a_word_sees_the_picture_and_the_words_before_it_only(cell):
    captioner, other = tiny(cell), CAPTIONS.copy()
    other[:, 2] = 6
    one, two = (captioner(Tensor(images()), Tensor(tokens)).numpy() for tokens in (CAPTIONS, other))
    np.testing.assert_array_equal(one[:, :2], two[:, :2])
    assert (one[:, 2:] != two[:, 2:]).any(axis=2).all()
    assert (captioner(Tensor(images(1)), Tensor(CAPTIONS)).numpy() != one).any(axis=2).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_step_by_step_as_in_training(cell):
    captioner = tiny(cell)
    together = captioner(Tensor(images()), Tensor(CAPTIONS)).numpy()
    state = captioner.begin(Tensor(images()))
    for t in range(4):
        scores, state = captioner.step(Tensor(CAPTIONS[:, t]), state)
        np.testing.assert_allclose(scores.numpy(), together[:, t], rtol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_four_pictures_learned_by_heart(cell):
    pairs = [Shapes(size=17, objects=(1, 2), target="caption")[i] for i in range(4)]
    pictures, captions = Tensor(4 * np.stack([image - 0.5 for image, _ in pairs])), Tensor(np.stack([tokens for _, tokens in pairs]))
    assert len({tuple(tokens) for tokens in captions.tolist()}) == 4
    minicnn.manual_seed(0)
    captioner = Captioner(nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Tanh(), nn.Flatten()), 256, len(Shapes.words), cell=cell, embedding=16, hidden=32)
    optimizer = optim.Adam(captioner.parameters(), lr=0.01)
    for _ in range(45):
        optimizer.zero_grad()
        loss = caption_loss(captioner(pictures, captions), captions)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    np.testing.assert_array_equal(greedy(captioner, pictures), captions.numpy())
    found, log_p = beam_search(captioner, pictures, width=3)
    np.testing.assert_array_equal(found, captions.numpy())
    words = (captions.numpy()[:, 1:] != 0).sum()
    assert -log_p.sum() / words == pytest.approx(caption_loss(captioner(pictures, captions), captions).item(), rel=1e-4)
    assert decode_caption(found[0]) == Shapes(size=17, objects=(1, 2)).scene(0).caption


def test_messages():
    captioner = tiny("lstm", "float32")
    picture = minicnn.zeros(3, 2, 3, 3)
    with pytest.raises(ArgumentError, match="Captioner: cell must be one of 'lstm', 'rnn', not 'gru'"):
        Captioner(nn.Flatten(), 8, 7, cell="gru")
    with pytest.raises(ArgumentError, match="Captioner: hidden must be an integer >= 1, not 0"):
        Captioner(nn.Flatten(), 8, 7, hidden=0)
    with pytest.raises(ShapeError, match=r"captions must be \(N, L\), start and end at least, not \(5,\)"):
        captioner(picture, Tensor(CAPTIONS[0]))
    with pytest.raises(DtypeError, match="tokens must be integers, they are float64: see encode_caption"):
        captioner(picture, Tensor(CAPTIONS.astype(np.float64)))
    with pytest.raises(ShapeError, match=r"features must be \(N, 9\), they are \(3, 18\): does the network end with Flatten or a mean\?"):
        Captioner(nn.Flatten(), 9, 7)(picture, Tensor(CAPTIONS))
    with pytest.raises(ShapeError, match=r"captions \(3, 5\) need scores \(3, 4, vocabulary\), one row for each next word; they are \(3, 5, 7\)"):
        caption_loss(minicnn.zeros(3, 5, 7), Tensor(CAPTIONS))
    with pytest.raises(ArgumentError, match="caption_loss: the captions are nothing but padding"):
        caption_loss(minicnn.zeros(1, 2, 7), Tensor([[1, 0, 0]]))
