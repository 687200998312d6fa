"""AlexNet on two workers is AlexNet in one process: scores, loss, gradients, training; and it sends what the drawing says."""

import numpy as np
import pytest

import minicnn
from minicnn import models, use_backend
from minicnn.analysis import summarize
from minicnn.distributed import AlexNetTwoWorkers, Alone, alexnet_traffic, spawn
from minicnn.distributed.ring import chunks
from minicnn.errors import ArgumentError, AutogradError, ShapeError, StateDictError
from tests.distributed import alexnet_programs as programs
from tests.distributed.alexnet_programs import BATCH, SMALL, STEPS

TOLERANCE = {"rtol": 1e-10, "atol": 1e-13}


@pytest.fixture(scope="module")
def workers():
    """What each of the two workers found."""
    return spawn(programs.everything, 2)


@pytest.fixture(scope="module")
def alone():
    net = programs.whole_network()
    state = net.state_dict()
    found = {"eval": programs.one_step(net), "training": programs.one_step(net, training=True), "state": state}
    found["losses"] = programs.some_steps(net)
    return {**found, "trained": net.state_dict()}


def differing(expected, found, rank):
    """Names of the results of one worker that are not those of the whole network, or its half of them."""
    wrong = []
    for name, whole in expected.items():
        part = whole[chunks(len(whole), 2)[rank]] if "." in name else whole
        assert np.shape(part) == np.shape(found[name])
        if not np.allclose(found[name], part, **TOLERANCE):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("mode", ["eval", "training"])
def test_scores_loss_and_gradients_are_those_of_one_process(workers, alone, mode, rank):
    assert len(alone[mode]) == 2 + 16
    assert all(np.abs(value).max() > 1e-9 for value in alone[mode].values())
    assert differing(alone[mode], workers[rank][mode], rank) == []


def test_dropout_was_on_in_training(alone):
    assert not np.allclose(alone["eval"]["scores"], alone["training"]["scores"])


def test_both_have_the_same_scores_and_the_same_loss_to_the_last_bit(workers):
    for mode in ("eval", "training"):
        assert workers[0][mode]["scores"].tobytes() == workers[1][mode]["scores"].tobytes()
        assert workers[0][mode]["loss"] == workers[1][mode]["loss"]


def test_pauses_at_random_change_nothing(workers):
    for found in workers:
        for name, value in found["eval"].items():
            np.testing.assert_array_equal(found["slow"][name], value)


def test_training_steps_are_those_of_one_process(workers, alone):
    for found in workers:
        np.testing.assert_allclose(found["losses"], alone["losses"], **TOLERANCE)
        assert list(found["trained"]) == list(alone["trained"])
        for name, value in alone["trained"].items():
            np.testing.assert_allclose(found["trained"][name], value, **TOLERANCE)
            assert not np.allclose(value, alone["state"][name], rtol=0, atol=1e-7)  # it has learnt something


def test_without_the_exchange_on_the_way_back_the_gradients_before_it_are_wrong(workers, alone):
    """The planted mistake would be seen, and where."""
    for rank, found in enumerate(workers):
        wrong = differing(alone["eval"], found["planted: no exchange on the way back"], rank)
        assert {name.split(".")[1] for name in wrong} == {"conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"}


def test_a_loss_that_counts_twice_doubles_every_gradient(workers, alone):
    for rank, found in enumerate(workers):
        planted = found["planted: the loss counts twice"]
        assert differing(alone["eval"], planted, rank) == [name for name in alone["eval"] if "." in name]
        for name, value in found["eval"].items():
            if "." in name:
                np.testing.assert_allclose(planted[name], 2 * value, **TOLERANCE)


def test_the_state_goes_apart_and_together_again(workers, alone):
    for found in workers:
        assert found["names"] == list(alone["state"])
        for name, value in alone["state"].items():
            np.testing.assert_array_equal(found["whole state"][name], value)


def test_with_one_seed_the_halves_differ(workers):
    first, second = (found["drawn"] for found in workers)
    assert first.shape == second.shape == (3, 3, 11, 11)
    assert not np.allclose(first, second)


def by_layer(rows):
    return {row[:2]: row[2:] for row in rows}


def test_the_traffic_is_that_of_the_drawing(workers):
    """On paper: 8 maps of 13x13 for conv3, 8 of 6x6 for fc6, 16 neurons for fc7 and fc8; worker 0 has 3 of the 5 scores."""
    for rank, found in enumerate(workers):
        numbers = {"conv3": BATCH * 8 * 13 * 13, "fc6": BATCH * 8 * 6 * 6, "fc7": BATCH * 16, "fc8": BATCH * 16}
        expected = {(layer, way): (1, count, 8 * count) for layer, count in numbers.items() for way in ("forward", "backward")}
        expected["loss", "forward"] = (1, BATCH * (3 - rank), 8 * BATCH * (3 - rank))
        assert by_layer(found["rows"]) == expected
        assert by_layer(found["rows of steps"]) == {key: tuple(STEPS * count for count in counts) for key, counts in expected.items()}
        assert by_layer(found["rows without gradients"]) == {key: counts for key, counts in expected.items() if key[1] == "forward"}


def test_the_traffic_on_paper_comes_from_the_volumes_of_the_network():
    with use_backend("meta"):
        outputs = summarize(models.AlexNetGrouped()).outputs
    halves = {layer: np.prod(outputs[path]) // 2 for layer, path in
              {"conv3": "features.pool2", "fc6": "features.pool5", "fc7": "classifier.fc6", "fc8": "classifier.fc7", "loss": "classifier.fc8"}.items()}  # fmt: skip
    rows = alexnet_traffic(128, steps=10).rows
    assert {row.layer for row in rows if row.direction == "backward"} == halves.keys() - {"loss"}
    for row in rows:
        assert row[2:] == (10, 10 * 128 * halves[row.layer], 4 * 10 * 128 * halves[row.layer])


def test_the_traffic_on_paper_is_that_of_a_worker(workers):
    for rank, found in enumerate(workers):
        expected = by_layer(alexnet_traffic(BATCH, steps=STEPS, **{**SMALL, "num_classes": 6 if rank == 0 else 4}, itemsize=8).rows)
        assert by_layer(found["rows of steps"]) == expected


def test_alone_it_is_the_whole_network():
    net, whole = AlexNetTwoWorkers(Alone(), **SMALL).astype("float64"), programs.whole_network()
    net.load_halves(whole.state_dict())
    images, _ = programs.batch()
    np.testing.assert_array_equal(net.eval()(images).numpy(), whole.eval()(images).numpy())
    assert net.traffic.rows == []
    assert net.traffic.total[2:] == (0, 0, 0)
    assert {name: value.shape for name, value in net.whole_state_dict().items()} == {name: value.shape for name, value in whole.state_dict().items()}


class OfThree(Alone):
    size = 3


class OfTwo(Alone):
    size = 2


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: AlexNetTwoWorkers(OfThree()), ArgumentError, "the network has 2 towers, for 2 workers or for one, not for 3"),
    (lambda: AlexNetTwoWorkers(Alone(), channels=(1, 2)), ArgumentError, "AlexNetTwoWorkers: channels must be 5 integers >= 1, not (1, 2)"),
    (lambda: AlexNetTwoWorkers(Alone(), channels=(6, 16, 24, 24, 15)), ArgumentError, "channels and hidden must be even, half for each worker, not (6, 16"),
    (lambda: AlexNetTwoWorkers(Alone(), hidden=33), ArgumentError, "(96, 256, 384, 384, 256) and 33"),
    (lambda: AlexNetTwoWorkers(OfTwo(), num_classes=1), ArgumentError, "AlexNetTwoWorkers: num_classes must be an integer >= 2, not 1"),
    (lambda: AlexNetTwoWorkers(Alone(), **SMALL)(minicnn.zeros(1, 3, 224, 224)), ShapeError, "images must be 227x227 pixels"),
    (lambda: AlexNetTwoWorkers(OfTwo(), **SMALL)(minicnn.zeros(1, 3, 227, 227).requires_grad_()), AutogradError, "the gradient of an image is the sum over both"),
    (lambda: AlexNetTwoWorkers(OfTwo(), **SMALL).load_halves(models.AlexNetGrouped(**{**SMALL, "hidden": 16}).state_dict()), StateDictError,
     "classifier.fc6.weight is (8, 576) but should be (16, 576)"),
    (lambda: AlexNetTwoWorkers(Alone(), **SMALL).load_halves({}), StateDictError, "missing: features.conv1.weight"),
    (lambda: alexnet_traffic(0), ArgumentError, "alexnet_traffic: batch must be an integer >= 1, not 0"),
    (lambda: alexnet_traffic(1, num_classes=5), ArgumentError, "channels, hidden and num_classes must be even"),
])  # fmt: skip
def test_messages(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
