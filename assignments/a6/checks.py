"""What must hold in assignment 6."""

import numpy as np

from minicnn.course.gradients import check_pair, two
from minicnn.course.questions import Question, WrongAnswer, equal, holds
from minicnn.detection import Boxes
from minicnn.detection import iou as right_iou


def some_boxes(rng, count, side=20.0):
    """Boxes with sides of 2 and more."""
    corner, size = rng.uniform(0, side, (count, 2)), rng.uniform(2, side, (count, 2))
    return np.concatenate([corner, corner + size], axis=1)


# 1

features = Question("features", asks=("standardised", "nearest_class"))


@features.check("by the training pictures, for both sets", points=2)
def _(student, rng):
    train, test = rng.standard_normal((20, 3)) * [1, 10, 0.1] + [0, 5, 9], rng.standard_normal((7, 3)) + 3
    a, b = two(student.standardised(train, test))
    equal(np.asarray(a), (train - train.mean(axis=0)) / train.std(axis=0), "the training features")
    equal(b, (test - train.mean(axis=0)) / train.std(axis=0), "the test features", hint="with the mean and the deviation of the training features")


@features.check("a feature that never changes", points=1)
def _(student, rng):
    train, test = rng.standard_normal((6, 2)), rng.standard_normal((3, 2))
    train[:, 1] = test[:, 1] = 4.0
    a, b = two(student.standardised(train, test))
    equal(np.asarray(a)[:, 1], np.zeros(6), "the constant feature of the training pictures")
    equal(np.asarray(b)[:, 1], np.zeros(3), "the constant feature of the test pictures")


@features.check("the nearest neighbour", points=2)
def _(student, rng):
    train, labels, test = rng.standard_normal((30, 4)), rng.integers(0, 5, 30), rng.standard_normal((9, 4))
    right = np.array([labels[min(range(30), key=lambda j: np.linalg.norm(train[j] - each))] for each in test])
    equal(student.nearest_class(train, labels, test), right, "nearest_class(train, labels, test)")


# 2

overlap = Question("iou", asks=("iou",))


@overlap.check("boxes that overlap", points=2)
def _(student, rng):
    a, b = some_boxes(rng, 5), some_boxes(rng, 4)
    equal(student.iou(a, b), right_iou(Boxes.from_xyxy(a), Boxes.from_xyxy(b)), "iou(a, b)", hint="shape (5, 4); no + 1 anywhere")


@overlap.check("boxes that do not", points=1)
def _(student, rng):
    a = np.array([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2]])
    b = np.array([[3.0, 3, 5, 5], [2, 0, 4, 2], [5, 0, 7, 2], [0, -9, 2, -4]])
    equal(student.iou(a, b), np.zeros((3, 4)), "iou of boxes that lie apart, or touch", hint="a negative width times a negative height is positive")


@overlap.check("one inside the other, and the same twice", points=1)
def _(student, rng):
    side = float(rng.uniform(1, 9))
    a, b = np.array([[0, 0, 10.0, 10]]), np.array([[0, 0, side, side], [0, 0, 10, 10]])
    equal(student.iou(a, b), np.array([[side**2 / 100, 1.0]]), f"iou of a box of 10 x 10 with one of {side:.2f} x {side:.2f} in it, and with itself")


# 3

GIVEN = """
def given_iou(a, b):
    found = np.zeros((len(a), len(b)))
    for i, (l1, t1, r1, b1) in enumerate(a):
        for j, (l2, t2, r2, b2) in enumerate(b):
            shared = max(0, min(r1, r2) - max(l1, l2)) * max(0, min(b1, b2) - max(t1, t2))
            found[i, j] = shared / ((r1 - l1) * (b1 - t1) + (r2 - l2) * (b2 - t2) - shared)
    return found
"""
nms = Question("nms", asks=("suppress",), given=GIVEN)


def kept(student, boxes, scores, threshold):
    """The indices as a list of integers."""
    found = student.suppress(boxes, scores, threshold)
    if isinstance(found, np.ndarray):
        found = found.tolist()
    holds(isinstance(found, (list, tuple)), f"suppress must return a list of indices, and returns a {type(found).__name__}")
    return [int(i) for i in found]


def said(found, right, what):
    """Are these the boxes?"""
    if found != right:
        raise WrongAnswer(f"{what}: {found} are kept, and {right} should be, in this order")


@nms.check("the best first, near ones go", points=2)
def _(student, rng):
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 1, 10, 11]])
    said(kept(student, boxes, np.array([0.6, 0.9, 0.7, 0.8]), 0.5), [1, 2], "three boxes on one object and one elsewhere")
    said(kept(student, boxes, np.array([0.9, 0.6, 0.95, 0.8]), 0.5), [2, 0], "the same with other scores")


@nms.check("who is gone throws nobody away", points=1)
def _(student, rng):
    boxes = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])  # neighbours overlap by 6/14, the outer two by 2/18
    said(kept(student, boxes, np.array([0.9, 0.8, 0.7]), 0.4), [0, 2], "a row of three boxes")
    said(kept(student, boxes, np.array([0.9, 0.8, 0.7]), 0.5), [0, 1, 2], "the same with a threshold of 0.5")


@nms.check("many boxes", points=1)
def _(student, rng):
    boxes, scores = some_boxes(rng, 40), rng.permutation(40) / 40
    overlaps, right = right_iou(Boxes.from_xyxy(boxes), Boxes.from_xyxy(boxes)), []
    for i in np.argsort(-scores):
        if all(overlaps[i, j] <= 0.3 for j in right):
            right.append(int(i))
    said(kept(student, boxes, scores, 0.3), right, "40 boxes, threshold 0.3")


# 4

loss = Question("loss", asks=("localisation_loss",))


def some_outputs(rng, N=3, K=4):
    """Scores, boxes found, labels, true boxes."""
    return rng.standard_normal((N, K)), rng.uniform(0, 1, (N, 4)), rng.integers(0, K, N), rng.uniform(0, 1, (N, 4))


def answer(student, *given):
    """What localisation_loss returns, if it is three things."""
    found = student.localisation_loss(*given)
    if not isinstance(found, (list, tuple)) or len(found) != 3:
        raise WrongAnswer("localisation_loss must return three things: the loss, dscores, dfound")
    return found


def definition(scores, found, labels, true, weight):
    """By the formula."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return np.mean([-np.log(p[n, labels[n]]) + weight * np.sum((found[n] - true[n]) ** 2) for n in range(len(scores))])


@loss.check("the loss", points=2)
def _(student, rng):
    for weight in (0.0, 20.0):
        given = *some_outputs(rng), weight
        equal(answer(student, *given)[0], definition(*given), f"the loss with weight = {weight:g}", hint="the mean over the pictures, the sum over the four numbers")


@loss.check("both gradients", points=4)
def _(student, rng):
    scores, found, labels, true = some_outputs(rng)

    def forward(scores, found):
        _, dscores, dfound = answer(student, scores, found, labels, true, 3.0)
        return np.asarray(definition(scores, found, labels, true, 3.0)), (dscores, dfound)

    check_pair(forward, lambda dy, cache: tuple(dy * np.asarray(gradient) for gradient in cache), {"scores": scores, "found": found}, rng)


@loss.check("large scores", points=1)
def _(student, rng):
    scores, found, labels, true = some_outputs(rng)
    given = 1000 + 500 * scores, found, labels, true, 1.0
    equal(answer(student, *given)[0], definition_of_large(*given), "the loss with scores around 1000", hint="exp(1000) is infinite, and log(0) as well")


def definition_of_large(scores, found, labels, true, weight):
    """log p = score - log(sum(exp)), with the largest score taken out."""
    largest = scores.max(axis=1)
    log_sum = largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))
    rows = np.arange(len(scores))
    return np.mean(log_sum - scores[rows, labels] + weight * ((found - true) ** 2).sum(axis=1))
