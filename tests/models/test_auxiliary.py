"""The loss of a network with auxiliary classifiers is the paper's sum, and its gradients have the paper's weights."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models import Outputs, auxiliary_cross_entropy
from minicnn.ops import cross_entropy

LABELS = [2, 0, 1]


def draw(count):
    minicnn.manual_seed(3)
    return [minicnn.randn(3, 4).requires_grad_() for _ in range(count)]


@pytest.mark.parametrize(("weight", "given"), [(0.3, {}), (0.4, {"weight": 0.4}), (0.0, {"weight": 0})])
def test_is_the_sum_of_the_paper(weight, given):
    scores, first, second = draw(3)
    loss = auxiliary_cross_entropy(Outputs(scores, (first, second)), LABELS, **given)
    parts = [cross_entropy(s, LABELS).item() for s in (scores, first, second)]
    assert loss.item() == pytest.approx(parts[0] + weight * (parts[1] + parts[2]), rel=1e-6)
    loss.backward()
    for part, factor in ((scores, 1), (first, weight), (second, weight)):
        alone = Tensor(part.numpy()).requires_grad_()
        cross_entropy(alone, LABELS).backward()
        np.testing.assert_allclose(part.grad.numpy(), factor * alone.grad.numpy(), rtol=1e-6)


def test_scores_alone_give_the_plain_cross_entropy():
    (scores,) = draw(1)
    assert auxiliary_cross_entropy(scores, LABELS).item() == cross_entropy(scores, LABELS).item()
    assert auxiliary_cross_entropy(Outputs(scores, ()), LABELS).item() == cross_entropy(scores, LABELS).item()


def test_outputs_come_apart_like_a_tuple():
    scores, auxiliary, weight = outputs = Outputs(Tensor([[1.0]]), (Tensor([[2.0]]),))
    assert (outputs.scores, outputs.auxiliary, outputs.weight) == (scores, auxiliary, weight)


def test_a_network_says_how_much_its_auxiliary_classifiers_count():
    scores, first = draw(2)
    loss = auxiliary_cross_entropy(Outputs(scores, (first,), weight=0.4), LABELS)
    assert loss.item() == pytest.approx(cross_entropy(scores, LABELS).item() + 0.4 * cross_entropy(first, LABELS).item())


def test_messages():
    (scores,) = draw(1)
    with pytest.raises(ArgumentError, match=r"auxiliary_cross_entropy: weight must be a finite number >= 0, not -0\.3"):
        auxiliary_cross_entropy(scores, LABELS, weight=-0.3)
    with pytest.raises(ShapeError, match="labels"):
        auxiliary_cross_entropy(Outputs(scores, (scores[:2],)), LABELS)
