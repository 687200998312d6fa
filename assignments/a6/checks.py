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


def some_features(rng):
    """Of training and of test pictures: each feature has its own size and place."""
    (N, M), F = rng.integers([15, 5], [25, 12]).tolist(), int(rng.integers(3, 5))
    size, place = rng.uniform(0.2, 10, F), rng.uniform(-9, 9, F)
    return rng.standard_normal((N, F)) * size + place, rng.standard_normal((M, F)) * size + place + 3


def check_standardised(student, train, test):
    """Both, by the definition; what never changes is 0. (Who adds 1e-8 to the deviation is right, too.)"""
    a, b = two(student.standardised(train, test))
    mean, std = train.mean(axis=0), train.std(axis=0)
    std = np.where(train.max(axis=0) > train.min(axis=0), std, 1)
    equal(np.asarray(a), (train - mean) / std, "the training features", rtol=1e-6)
    equal(b, (test - mean) / std, "the test features", rtol=1e-6, hint="with the mean and the deviation of the training features")


@features.check("by the training pictures, for both sets", points=2)
def _(student, rng):
    check_standardised(student, *some_features(rng))


@features.check("a feature that never changes", points=1)
def _(student, rng):
    train, test = some_features(rng)
    constant = int(rng.integers(train.shape[1]))
    train[:, constant] = test[:, constant] = rng.integers(1, 9)
    check_standardised(student, train, test)


@features.check("the nearest neighbour", points=2)
def _(student, rng):
    N, M, F = rng.integers([40, 50, 4], [60, 70, 7]).tolist()
    train, labels, test = rng.standard_normal((N, F)), rng.permutation(N), rng.standard_normal((M, F))
    right = np.array([labels[min(range(N), key=lambda j: np.linalg.norm(train[j] - each))] for each in test])
    equal(student.nearest_class(train, labels, test), right, "nearest_class(train, labels, test)")


# 2

overlap = Question("iou", asks=("iou",))


def check_iou(student, a, b, hint=""):
    """Against minicnn."""
    what = f"iou(a, b) with a {a.shape} and b {b.shape}"
    equal(student.iou(a, b), right_iou(Boxes.from_xyxy(a), Boxes.from_xyxy(b)), what, hint=hint)


@overlap.check("boxes that overlap", points=2)
def _(student, rng):
    for some, others in (rng.permutation([3, 4, 5])[:2].tolist(), (1, 2)):
        corner, size = rng.uniform(0, 9, (some + others, 2)), rng.uniform(10, 20, (some + others, 2))
        boxes = np.concatenate([corner, corner + size], axis=1)
        check_iou(student, boxes[:some], boxes[some:], hint="no + 1 anywhere")


@overlap.check("boxes that do not", points=1)
def _(student, rng):
    box = np.round(some_boxes(rng, 1))
    width, height = (box[0, 2:] - box[0, :2]).tolist()
    across, down = float(rng.uniform(0.1, 0.9)), float(rng.integers(1, 9))
    moves = [(width, 0), (0, -height), (width + down, height + down), (-width - down, 0), (0, height + down), (across * width, 0), (across * width, -across * height)]
    others = np.concatenate([box + np.array([x, y, x, y]) for x, y in moves])[rng.permutation(7)]
    check_iou(student, box, others, hint="boxes that touch share nothing; and a negative width times a negative height is positive")


@overlap.check("one inside the other, and the same twice", points=1)
def _(student, rng):
    a = some_boxes(rng, 3)
    size = a[:, 2:] - a[:, :2]
    inside = np.concatenate([a[:, :2] + rng.uniform(0, 0.4, (3, 2)) * size, a[:, 2:] - rng.uniform(0, 0.4, (3, 2)) * size], axis=1)
    check_iou(student, a, np.concatenate([inside, a])[rng.permutation(6)])


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
    holds(isinstance(found, (list, tuple, np.ndarray)), f"suppress must return a list of indices, and returns a {type(found).__name__}")
    holds(np.ndim(found) == 1 and len(found) <= len(boxes), f"suppress must return at most one index for each of the {len(boxes)} boxes, and returns {np.size(found):,}")
    return [int(i) for i in found]


def said(found, right, what):
    """Are these the boxes?"""
    if found != right:
        raise WrongAnswer(f"{what}: {found} are kept, and {right} should be, in this order")


def definition_of_suppress(boxes, scores, threshold):
    """One after the other, from the best."""
    overlaps, right = right_iou(Boxes.from_xyxy(boxes), Boxes.from_xyxy(boxes)), []
    for i in np.argsort(-scores):
        if all(overlaps[i, j] <= threshold for j in right):
            right.append(int(i))
    return right


def check_suppress(student, rng, boxes, scores, threshold, what):
    """With the boxes in any order."""
    order = rng.permutation(len(boxes))
    boxes, scores = boxes[order], scores[order]
    said(kept(student, boxes, scores, threshold), definition_of_suppress(boxes, scores, threshold), what)


@nms.check("the best first, near ones go", points=2)
def _(student, rng):
    for objects in (1, 2, 3):
        first = some_boxes(rng, 1)
        shifts = np.array([[50.0 * i + dx, dy] * 2 for i in range(objects) for dx, dy in [(0, 0), *rng.uniform(-0.4, 0.4, (2, 2))]])
        check_suppress(student, rng, first + shifts, rng.permutation(3 * objects) / 10, 0.4, f"three boxes on each of {objects} object{'s' * (objects > 1)}")
    left, top, width, height = rng.integers(1, 9, 4).tolist()
    half = np.array([[left, top, left + width, top + 2 * height], [left, top, left + width, top + height]], float)
    check_suppress(student, rng, half, np.array([0.9, 0.8]), 0.5, "an IoU of exactly 0.5 with a threshold of 0.5 (only more than that goes)")


@nms.check("who is gone throws nobody away", points=1)
def _(student, rng):
    width, height, share = float(rng.uniform(8, 20)), float(rng.uniform(5, 20)), float(rng.uniform(0.3, 0.45))
    boxes = np.array([[i * share * width, 0, width + i * share * width, height] for i in range(3)])
    near, far = (1 - share) / (1 + share), max(0, 1 - 2 * share) / (1 + 2 * share)
    scores = np.sort(rng.uniform(0.1, 1, 3))[::-1]
    row = f"a row of three boxes, neighbours with an IoU of {near:.2f}, the outer two with {far:.2f}, "
    for threshold in ((near + far) / 2, near + 0.05):
        check_suppress(student, rng, boxes, scores, threshold, f"{row}threshold {threshold:.2f}")


@nms.check("many boxes", points=1)
def _(student, rng):
    for threshold in rng.uniform([0.1, 0.4], [0.3, 0.6]).tolist():
        count = int(rng.integers(30, 50))
        check_suppress(student, rng, some_boxes(rng, count), rng.permutation(count) / count, threshold, f"{count} boxes, threshold {threshold:.3f}")


# 4

loss = Question("loss", asks=("localisation_loss",))


def some_outputs(rng):
    """Scores, boxes found, labels, true boxes."""
    N, K = rng.permutation([2, 3, 5, 6])[:2].tolist()
    return rng.standard_normal((N, K)), rng.uniform(0, 1, (N, 4)), rng.integers(0, K, N), rng.uniform(0, 1, (N, 4))


def answer(student, *given):
    """What localisation_loss returns, if it is three things."""
    found = student.localisation_loss(*given)
    if not isinstance(found, (list, tuple)) or len(found) != 3:
        raise WrongAnswer("localisation_loss must return three things: the loss, dscores, dfound")
    return found


def definition(scores, found, labels, true, weight):
    """log p = score - log(sum(exp)), with the largest score taken out."""
    largest = scores.max(axis=1)
    log_sum = largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))
    return np.mean(log_sum - scores[np.arange(len(scores)), labels] + weight * ((found - true) ** 2).sum(axis=1))


@loss.check("the loss", points=2)
def _(student, rng):
    for weight in (0.0, float(rng.uniform(2, 30))):
        given = *some_outputs(rng), weight
        equal(answer(student, *given)[0], definition(*given), f"the loss with weight = {weight:.3g}", hint="the mean over the pictures, the sum over the four numbers")


@loss.check("dscores", points=2)
def _(student, rng):
    scores, *others = *some_outputs(rng), float(rng.uniform(2, 9))
    gradient = np.asarray(answer(student, scores, *others)[1])
    check_pair(lambda scores: (np.asarray(definition(scores, *others)), None), lambda dy, _: dy * gradient, {"scores": scores}, rng)


@loss.check("dfound", points=2)
def _(student, rng):
    scores, found, labels, true = some_outputs(rng)
    others = labels, true, float(rng.uniform(2, 9))
    gradient = np.asarray(answer(student, scores, found, *others)[2])
    check_pair(lambda found: (np.asarray(definition(scores, found, *others)), None), lambda dy, _: dy * gradient, {"found": found}, rng)


@loss.check("large scores", points=1)
def _(student, rng):
    scores, found, labels, true = some_outputs(rng)
    scores = 1000 * rng.permutation(np.arange(len(scores)) - 1)[:, None] + 300 * scores  # each picture has a level of its own
    given = scores, found, labels, true, 1.0
    value, dscores, _ = answer(student, *given)
    equal(value, definition(*given), "the loss with scores around 1000", hint="exp(1000) is infinite, and log(0) as well")
    right = np.exp(scores - scores.max(axis=1, keepdims=True))
    right = (right / right.sum(axis=1, keepdims=True) - (np.arange(scores.shape[1]) == labels[:, None])) / len(scores)
    equal(dscores, right, "dscores with scores around 1000", hint="the softmax in it needs the same care")
