"""Scores of captions, counted by hand, and which captions are as true as others."""

import pytest

from minicnn.captioning import references, score_captions
from minicnn.captioning.score import OPPOSITE, words_right
from minicnn.data import Shapes
from minicnn.errors import ShapeError

STAR, RING = "a small red filled star", "a large blue outlined ring"


@pytest.mark.parametrize(("relation", "opposite"), OPPOSITE.items())
def test_both_ways_to_say_where_two_figures_are(relation, opposite):
    assert references(f"{STAR} {relation} {RING}") == (f"{STAR} {relation} {RING}", f"{RING} {opposite} {STAR}")


@pytest.mark.parametrize("caption", [STAR, f"{STAR} in front of {RING}", f"{STAR} above {RING} above {STAR}", f"{STAR} above {RING} in front of {STAR}"])
def test_only_one_way_to_say_it(caption):
    assert references(caption) == (caption,)


def test_every_true_caption_is_exactly_right():
    true = [Shapes(objects=(1, 3), size=16).scene(i).caption for i in range(30)]
    for said in (true, [references(caption)[-1] for caption in true]):
        scores = score_captions(said, true)
        assert {scores.exact, scores.words, scores.size, scores.colour, scores.fill, scores.shape, scores.relation} == {1.0}


def test_counted_by_hand():
    true = [STAR, f"{STAR} in front of {RING}"]
    found = ["a large red filled heart", "a small red outlined star left of a large blue outlined"]
    scores = score_captions(found, true)
    assert scores.exact == 0
    assert scores.words == (3 + (4 + 0 + 0)) / (5 + 13)  # the second relation has one word less: all behind it stands elsewhere
    assert (scores.size, scores.colour, scores.fill, scores.shape) == pytest.approx((2 / 3, 1, 2 / 3, 1 / 3))
    assert scores.relation == 0
    assert score_captions([found[1].replace("left of", "in front of")], true[1:]).relation == 1


def test_words():
    assert words_right("", STAR) == [False] * 5
    assert words_right(f"{STAR} above {RING}", STAR) == [True] * 5
    assert score_captions([f"{STAR} above {RING}"], [STAR]).exact == 0


def test_messages():
    with pytest.raises(ShapeError, match="2 captions were found of 1 pictures: one is needed for each"):
        score_captions([STAR, RING], [STAR])
    with pytest.raises(ShapeError, match="of one picture at least"):
        score_captions([], [])
