"""What is said of a picture is true of its pixels: boxes, masks, shares, colours, captions."""

import numpy as np
import pytest

from minicnn.data import Scene, Shapes
from minicnn.data.shapes import Placed, decode_caption, encode_caption
from minicnn.data.shapes.caption import longest, relation
from minicnn.data.shapes.colours import COLOURS
from minicnn.data.shapes.drawing import distance, paint
from minicnn.data.shapes.layout import LARGE_RADII, SMALL_RADII
from minicnn.data.shapes.scene import LARGE
from minicnn.detection import Boxes, OrientedBoxes
from minicnn.errors import ArgumentError

CROWD = [Shapes(objects=(2, 5), seed=1).scene(i) for i in range(40)]
BIG = [Shapes(size=256, clutter=0, seed=2).scene(i) for i in range(60)]


def alone(figure, size):
    """A figure's pixels in a picture of its own, black elsewhere: those with at least half of its colour."""
    image = paint(np.zeros((3, size, size), np.float32), [figure], [distance(figure, size)], np.random.default_rng(0))
    return image[0] >= image[0].max() / 2


def placed(name="circle", colour="red", x=32, y=32, radius=12, filled=True, angle=0.0):
    return Placed(Shapes.classes.index(name), colour, filled, x, y, radius, angle)


def made(*figures):
    whole = np.stack([distance(figure, 64) <= 0 for figure in figures])
    return Scene(np.zeros((3, 64, 64), np.float32), figures, whole, whole)


def test_modal_boxes_are_around_the_masks():
    for scene in CROWD:
        assert scene.modal.dtype == np.float32
        for box, mask in zip(scene.modal, scene.masks, strict=True):
            np.testing.assert_array_equal(box[None], Boxes.around(mask).xyxy)


def test_amodal_boxes_are_around_each_figure_drawn_alone():
    for scene in CROWD:
        for figure, box in zip(scene.figures, scene.amodal, strict=True):
            np.testing.assert_array_equal(box[None], Boxes.around(alone(figure, 64)).xyxy)


def test_hidden_parts_shrink_the_modal_box_only():
    amodal, modal = (np.concatenate([getattr(scene, name) for scene in CROWD]) for name in ("amodal", "modal"))
    assert (amodal[:, :2] <= modal[:, :2]).all()
    assert (amodal[:, 2:] >= modal[:, 2:]).all()
    assert (amodal != modal).any(axis=1).mean() > 0.1
    assert amodal.min() >= 0
    assert amodal.max() <= 64


def test_what_is_in_front_hides_what_is_behind():
    for scene in CROWD:
        for i in range(len(scene)):
            np.testing.assert_array_equal(scene.masks[i], scene.whole[i] & ~scene.whole[i + 1 :].any(axis=0))
        assert scene.visible[-1] == 1
        np.testing.assert_allclose(scene.visible * scene.whole.sum(axis=(1, 2)), scene.masks.sum(axis=(1, 2)), rtol=1e-6)


@pytest.mark.parametrize("occlusion", [0, 0.3, 0.5])
def test_no_figure_is_hidden_more_than_allowed(occlusion):
    visible = np.concatenate([Shapes(objects=4, occlusion=occlusion, size=32, seed=3).scene(i).visible for i in range(30)])
    assert visible.min() >= 1 - occlusion - 1e-6
    assert (visible.min() < 1) == (occlusion > 0)


def in_its_box(scene):
    """The centres of the only figure's pixels, in the coordinates of its oriented box, and half the box's size."""
    cx, cy, w, h, angle = scene.oriented[0].astype(np.float64)
    rows, columns = np.nonzero(scene.whole[0])
    x, y = columns + 0.5 - cx, rows + 0.5 - cy
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle), w / 2, h / 2


def test_oriented_boxes_hold_every_pixel_and_are_tight():
    seen = set()
    for scene in BIG:
        along, across, w, h = in_its_box(scene)
        gaps = np.array([w - along.max(), w + along.min(), h - across.max(), h + across.min()])
        assert gaps.min() > -1e-3
        assert gaps.max() < (0.8 if scene.names[0] == "square" else 2.5), scene.caption
        seen.add(scene.names[0])
    assert seen == set(Shapes.classes)


def test_the_box_of_a_turned_square_is_the_square():
    scene = made(placed("square", angle=0.4, radius=10))
    np.testing.assert_allclose(scene.oriented, [[32, 32, 200**0.5, 200**0.5, 0.4]], rtol=1e-6)
    corners = OrientedBoxes(scene.oriented).corners[0]
    np.testing.assert_allclose(np.hypot(*(corners - 32).T), 10, rtol=1e-5)
    assert scene.whole.sum() == pytest.approx(200, rel=0.05)
    assert np.abs(OrientedBoxes(scene.oriented).around().xyxy - scene.amodal).max() < 1.5


def test_angles_are_clockwise_on_the_screen():
    """A quarter turn from x to y brings the heart's tip, below, to the left."""
    mask = made(placed("heart", angle=np.pi / 2, radius=20)).whole[0]
    columns = np.flatnonzero(mask.any(axis=0))
    assert mask[:, columns[0]].sum() < mask[:, columns[-1]].sum() / 3


def test_of_all_angles_that_look_the_same_the_least_is_given():
    turns = {"circle": 0, "ring": 0, "ellipse": 2, "triangle": 3, "square": 4, "cross": 4, "star": 5, "hexagon": 6, "heart": 1, "crescent": 1}
    most = dict.fromkeys(turns, 0.0)
    for scene in [*BIG, *CROWD]:
        for name, angle in zip(scene.names, scene.oriented[:, 4], strict=True):
            most[name] = max(most[name], abs(float(angle)))
    for name, count in turns.items():
        limit = np.pi / count if count else 0
        assert limit / 2 <= most[name] <= limit + 1e-6, name


def test_an_outline_has_the_box_of_the_filled_figure_and_a_hole():
    for name in Shapes.classes:
        line, full = (made(placed(name, radius=20, filled=filled, angle=0.2)) for filled in (False, True))
        np.testing.assert_array_equal(line.amodal, full.amodal)
        assert line.whole.sum() < 0.8 * full.whole.sum()
        assert not (line.whole & ~full.whole).any()


def test_edges_are_smooth():
    """The shares of all pixels add up to the area."""
    for radius in (7.3, 12, 15.5):
        disc = placed(radius=radius, x=31.7)
        image = paint(np.zeros((3, 64, 64), np.float32), [disc], [distance(disc, 64)], np.random.default_rng(0))
        assert image[0].sum() / image[0].max() == pytest.approx(np.pi * radius**2, rel=4e-3)
        assert ((image[0] > 0.02) & (image[0] < image[0].max() - 0.02)).sum() > 20


def test_colours_are_those_of_the_names():
    for scene in BIG:
        inner = distance(scene.figures[0], 256) < -0.5
        np.testing.assert_allclose(scene.image[:, inner].mean(axis=1), COLOURS[scene.colours[0]], atol=0.051)
    for scene in CROWD:
        assert len(set(scene.colours)) == len(scene)


def test_sizes_leave_a_gap():
    assert SMALL_RADII[1] < LARGE < LARGE_RADII[0]
    for scene in BIG:
        assert scene.large[0] == (scene.figures[0].radius > 0.22 * 256)


def read(caption):
    """Figures and relations of a caption, by a reading of its own."""
    words, figures, relations = caption.split(), [], []
    while words:
        assert words[0] == "a"
        figures.append(tuple(words[1:5]))
        words, between = words[5:], []
        while words and words[0] != "a":
            between.append(words.pop(0))
        relations.append(" ".join(between))
    return figures, relations[:-1]


def test_captions_say_what_is_there():
    for scene in CROWD:
        figures, relations = read(scene.caption)
        properties = zip(scene.large, scene.colours, scene.filled, scene.names, strict=True)
        truth = [("large" if big else "small", c, "filled" if full else "outlined", name) for big, c, full, name in properties]
        assert figures == truth[::-1]
        for i, said in enumerate(relations):
            front, back = len(scene) - 1 - i, len(scene) - 2 - i
            share = (scene.whole[front] & scene.whole[back]).sum() / scene.whole[back].sum()
            assert (said == "in front of") == (share >= 0.05)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [(10, 30, "left of"), (54, 34, "right of"), (34, 10, "above"), (30, 54, "below"), (12, 16, "left of"), (32, 26, "in front of")],
)
def test_relations(x, y, said):
    assert relation(made(placed(radius=9), placed(colour="blue", x=x, y=y, radius=9)), 1, 0) == said


def test_captions_are_of_known_words_and_use_all_of_them():
    captions = [scene.caption for scene in CROWD] + [Shapes(objects=2, seed=5, size=16).scene(i).caption for i in range(60)]
    assert {word for caption in captions for word in caption.split()} == set(Shapes.words[3:])
    for caption in captions[:40]:
        tokens = encode_caption(caption, longest(5))
        assert tokens[0] == 1
        assert (tokens == 2).sum() == 1
        assert decode_caption(tokens) == caption
    assert len(max(captions, key=len).split()) + 2 <= longest(5)


def test_messages():
    with pytest.raises(ArgumentError, match="no word 'squre'; did you mean square"):
        encode_caption("a squre", 9)
    with pytest.raises(ArgumentError, match="need a length of 7, not 6"):
        encode_caption("a large red filled star", 6)
    with pytest.raises(ArgumentError, match=f"an integer from 0 to {len(Shapes.words) - 1}, not 99"):
        decode_caption([1, 99])
