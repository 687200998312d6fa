"""Decoding, on decoders whose every probability is known: against all captions there are, one by one."""

import itertools
import math

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn
from minicnn.captioning import Captioner, beam_search, greedy
from minicnn.errors import ArgumentError

PAD, START, END = 0, 1, 2
V, LENGTH = 5, 5  # three marks and two words; up to three words in a caption that ends


class Told(nn.Module):
    """What comes next depends on all words so far, by a table of scores drawn at random. An image is its number (N, 1); the state is the history."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def begin(self, images):
        return (images,)

    def scores(self, history):
        return 2 * np.random.default_rng([self.seed, *map(int, history)]).standard_normal(V)

    def step(self, words, state):
        history = np.concatenate([state[0].numpy(), words.numpy()[:, None]], axis=1)
        return Tensor(np.stack([self.scores(row) for row in history])), (Tensor(history),)


def log_p(decoder, image, caption):
    """log p of one caption, by the rule of the product."""
    total = 0.0
    for t in range(1, len(caption)):
        scores = decoder.scores([image, *caption[:t]])
        total += scores[caption[t]] - math.log(np.exp(scores).sum())
        if caption[t] == END:
            break
    return total


def every_caption():
    """All that can be said in `LENGTH` tokens: those that end, and those that are cut off."""
    for count in range(LENGTH - 1):
        for words in itertools.product((3, 4), repeat=count):
            yield [START, *words, END] + [PAD] * (LENGTH - 2 - count)
    for words in itertools.product((3, 4), repeat=LENGTH - 1):
        yield [START, *words]


def pictures(count):
    return Tensor(np.arange(count)[:, None])


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_most_probable_caption(seed):
    decoder = Told(seed)
    found, probabilities = beam_search(decoder, pictures(3), width=40, length=LENGTH)
    for i in range(3):
        best = max(every_caption(), key=lambda caption: log_p(decoder, i, caption))
        assert found[i].tolist() == best
        assert probabilities[i] == pytest.approx(log_p(decoder, i, best), rel=1e-12)


def test_a_width_of_one_is_greedy():
    found, _ = beam_search(Told(1), pictures(12), width=1, length=LENGTH)
    np.testing.assert_array_equal(found, greedy(Told(1), pictures(12), length=LENGTH))


def test_a_width_of_one_is_greedy_with_a_network():
    minicnn.manual_seed(0)
    captioner, images = Captioner(nn.Flatten(), 12, 9, embedding=8, hidden=16), minicnn.randn(6, 3, 2, 2)
    alone = [greedy(captioner, images[i : i + 1], length=8)[0] for i in range(6)]
    np.testing.assert_array_equal(greedy(captioner, images, length=8), alone)
    np.testing.assert_array_equal(beam_search(captioner, images, width=1, length=8)[0], alone)


def test_a_wider_beam_is_better_than_greedy_where_the_best_begins_improbably():
    """Of 60 decoders, some have a best caption that does not begin with the most probable word."""
    found, narrow, wide = [], [], []
    for seed in range(20):
        decoder = Told(seed)
        found += [log_p(decoder, i, caption) for i, caption in enumerate(greedy(decoder, pictures(3), length=LENGTH).tolist())]
        narrow += beam_search(decoder, pictures(3), width=1, length=LENGTH)[1].tolist()
        wide += beam_search(decoder, pictures(3), width=3, length=LENGTH)[1].tolist()
    np.testing.assert_allclose(narrow, found)
    assert np.sum(np.array(wide) > np.array(found) + 1e-9) >= 5


def test_the_probability_of_a_beam_is_that_of_its_caption():
    """Also where beginnings have changed places: then a state must have gone with its beginning."""
    for seed in range(8):
        decoder = Told(seed)
        captions, found = beam_search(decoder, pictures(3), width=3, length=LENGTH)
        assert found == pytest.approx([log_p(decoder, i, caption) for i, caption in enumerate(captions.tolist())], rel=1e-12)


def test_a_caption_ends_with_its_end():
    found = np.concatenate([greedy(Told(0), pictures(20), length=LENGTH), beam_search(Told(0), pictures(20), width=3, length=LENGTH)[0]])
    assert (found[:, 0] == START).all()
    ended = (found == END).any(axis=1)
    assert 0 < ended.sum() < 40
    for caption in found.tolist():
        words = caption[1 : caption.index(END)] if END in caption else caption[1:]
        assert set(words) <= {3, 4}
        assert set(caption[len(words) + 2 :]) <= {PAD}


def test_the_mode_comes_back_and_nothing_is_recorded():
    captioner = Captioner(nn.Sequential(nn.Flatten(), nn.Dropout(0.5)), 12, 9)
    images = minicnn.ones(2, 3, 2, 2)
    np.testing.assert_array_equal(greedy(captioner, images), greedy(captioner, images))  # no dropout
    assert all(module.training for module in captioner.modules())


def test_messages():
    with pytest.raises(ArgumentError, match="greedy: length must be an integer >= 2, not 1"):
        greedy(Told(0), pictures(1), length=1)
    with pytest.raises(ArgumentError, match="beam_search: width must be an integer >= 1, not 0"):
        beam_search(Told(0), pictures(1), width=0)
