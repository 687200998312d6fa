"""The cost of data parallelism: formulas, the simulation that agrees with them, and what follows for many workers."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from minicnn import models, use_backend
from minicnn.analysis import summarize
from minicnn.distributed import (
    Machine,
    all_reduce_time,
    compute_time,
    gradient_bytes,
    scaling,
    scaling_table,
    simulate,
    simulate_ring,
    step_time,
)
from minicnn.errors import ArgumentError

MACHINE = Machine(rate=5e12, bandwidth=1.25e9, latency=2e-5)
WORKERS = (1, 2, 3, 8, 64, 1024)


class Part(NamedTuple):
    macs: int
    parameters: int


def alike(count, macs=10**9, parameters=250_000):
    return [Part(macs, parameters)] * count


def drawn(seed):
    rng = np.random.default_rng(seed)
    return [Part(int(rng.integers(0, 10**9)), int(rng.choice([0, 10, 10_000, 3_000_000]))) for _ in range(rng.integers(1, 30))]


def layers_of(name):
    with use_backend("meta"):
        return summarize(models.create(name)).layers


def test_the_formulas_on_paper():
    """100 MB over links of 1 GB/s and 1 ms, by hand."""
    machine = Machine(rate=1e12, bandwidth=1e9, latency=1e-3)
    assert all_reduce_time(1e8, 1, machine) == all_reduce_time(1e8, 1, machine, "server") == 0
    assert all_reduce_time(1e8, 2, machine) == pytest.approx(2 * (0.001 + 0.05))
    assert all_reduce_time(1e8, 5, machine) == pytest.approx(8 * (0.001 + 0.02))
    assert all_reduce_time(1e8, 5, machine, "server") == pytest.approx(8 * (0.001 + 0.1))
    assert compute_time([Part(10**9, 0), Part(3 * 10**9, 0)], machine, 100) == pytest.approx((0.4, 0.8))
    assert gradient_bytes([Part(0, 10), Part(0, 15)]) == 100
    assert step_time([Part(10**9, 25_000_000)], machine, 5, 100) == pytest.approx(0.3 + 8 * 0.021)


def test_the_ring_is_bounded_by_twice_the_array_and_the_server_is_not():
    free = Machine(rate=1, bandwidth=1e9, latency=0)
    ring = [all_reduce_time(1e8, n, free) for n in WORKERS]
    assert ring == sorted(ring)
    assert ring[-1] < 0.2
    assert [all_reduce_time(1e8, n, free, "server") / time for n, time in zip(WORKERS[1:], ring[1:], strict=True)] == pytest.approx(WORKERS[1:])


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 16])
def test_the_ring_message_by_message_is_the_formula(workers):
    length = 1200 * workers
    assert simulate_ring(length, MACHINE, workers) == pytest.approx(all_reduce_time(4 * length, workers, MACHINE), rel=1e-12)


@pytest.mark.parametrize("slow", [0, 1, 4])
def test_one_slow_link_makes_the_ring_slow(slow):
    machine = Machine(rate=1, bandwidth=1e9, latency=0)
    slower = Machine(rate=1, bandwidth=1e9 / 7, latency=0)
    assert simulate_ring(5000, machine, 5, slow=slow, factor=7) == pytest.approx(all_reduce_time(20_000, 5, slower), rel=1e-12)


def test_chunks_that_cannot_be_equal_take_as_long_as_the_longest_at_most():
    for length in (0, 1, 7, 11):
        seconds = simulate_ring(length, MACHINE, 4)
        assert all_reduce_time(4 * length, 4, MACHINE) * (1 - 1e-12) <= seconds <= all_reduce_time(4 * 4 * -(-length // 4), 4, MACHINE) * (1 + 1e-12)


def test_a_rank_waits_for_what_it_is_to_pass_on():
    """One number goes round on its own: it crosses a link in each step, and nobody sends it before it has come."""
    machine = Machine(rate=1, bandwidth=1e9, latency=0)
    assert simulate_ring(1, machine, 4) == pytest.approx(6 * machine.message(4))


@pytest.mark.parametrize("method", ["ring", "server"])
@pytest.mark.parametrize("seed", range(5))
def test_without_overlap_or_with_one_bucket_the_simulation_is_the_formula(seed, method):
    layers = [Part(0, 50), *drawn(seed)]  # the last to be ready: then one bucket is sent after everything
    for n in WORKERS:
        expected = pytest.approx(step_time(layers, MACHINE, n, 32, method), rel=1e-12)
        assert simulate(layers, MACHINE, n, 32, method=method, overlap=False).seconds == expected
        assert simulate(layers, MACHINE, n, 32, method=method, bucket=1e15).seconds == expected


@pytest.mark.parametrize("workers", [2, 8, 1024])
@pytest.mark.parametrize("macs", [10**7, 10**9, 10**11])
def test_equal_layers_overlap_as_a_pipeline_does(macs, workers):
    """A bucket for each of L layers: whichever is slower, a layer's backward or its message, sets the pace, and one of the other comes on top."""
    L, images = 12, 4
    layers = alike(L, macs)
    forward, backward = compute_time(layers, MACHINE, images)
    message = all_reduce_time(gradient_bytes(layers[:1]), workers, MACHINE)
    step = simulate(layers, MACHINE, workers, images, bucket=1)
    assert len(step.messages) == L
    assert step.seconds == pytest.approx(forward + max(backward / L + L * message, backward + message), rel=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_any_network_ends_with_its_longest_chain(seed):
    """Seconds = the latest of: a bucket becomes ready, and all from there on are sent in a row. Buckets are cut as `Buckets` would."""
    layers, n, size = drawn(seed), 8, 5_000_000
    step = simulate(layers, MACHINE, n, 16, bucket=size)
    ready = np.array([message.ready for message in step.messages])
    costs = np.array([all_reduce_time(message.bytes, n, MACHINE) for message in step.messages])
    chains = [ready[j] + costs[j:].sum() for j in range(len(ready))]
    assert step.seconds == pytest.approx(max([step.computing, *chains]), rel=1e-12)
    assert sum(message.bytes for message in step.messages) == gradient_bytes(layers)
    assert all(message.bytes >= size for message in step.messages[:-1])
    assert all(a.stop <= b.start for a, b in itertools.pairwise(step.messages))
    assert all(message.ready <= message.start for message in step.messages)
    plain = step_time(layers, MACHINE, n, 16)
    latencies = 2 * (n - 1) * MACHINE.latency * max(0, len(step.messages) - 1)
    assert max(step.computing, step.sending) <= step.seconds * (1 + 1e-12)
    assert step.seconds <= (plain + latencies) * (1 + 1e-12)
    assert -1e-9 <= step.hidden <= 1 + 1e-9


def test_a_bucket_is_ready_when_the_backward_pass_has_passed_its_layers():
    layers = [Part(10, 100), Part(20, 0), Part(30, 50), Part(40, 25)]
    machine = Machine(rate=1, bandwidth=1, latency=0)
    step = simulate(layers, machine, 2, 1, bucket=300)
    forward = 100
    assert [(m.layers, m.bytes, m.ready) for m in step.messages] == [(2, 300, forward + 2 * 70), (1, 400, forward + 2 * 100)]
    assert [(m.start, m.stop) for m in step.messages] == [(240, 540), (540, 940)]
    assert step.hidden == pytest.approx(60 / 700)
    assert [m.layers for m in simulate(layers, machine, 2, 1, overlap=False).messages] == [3], "those that have parameters"


def test_one_worker_sends_nothing():
    step = simulate(drawn(0), MACHINE, 1, 16)
    assert step.seconds == step.computing == pytest.approx(compute_time(drawn(0), MACHINE, 16).seconds)
    assert (step.messages, step.sending, step.hidden) == ((), 0, 1)


def test_small_buckets_pay_the_latency_of_the_ring_again_and_again():
    layers = layers_of("ResNet50")
    seconds = [simulate(layers, MACHINE, 1024, 64, bucket=bucket).seconds for bucket in (1e5, 1e6, 2.5e7)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > 5 * seconds[2]


def test_weak_scaling_keeps_the_images_of_a_worker_and_strong_those_of_all():
    layers = layers_of("ResNet50")
    weak, strong = (scaling(layers, MACHINE, (1, 2, 8, 64), 256, kind=kind, bucket=2.5e7) for kind in ("weak", "strong"))
    assert [row.images for row in weak] == [256] * 4
    assert [row.images for row in strong] == [256, 128, 32, 4]
    for rows in (weak, strong):
        assert rows[0].efficiency == pytest.approx(1)
        for row in rows:
            assert row.images_per_second == pytest.approx(row.workers * row.images / row.seconds)
            assert row.efficiency == pytest.approx(row.images_per_second / row.workers / rows[0].images_per_second)
            assert row.seconds == simulate(layers, MACHINE, row.workers, row.images, bucket=2.5e7).seconds
    assert all(s.efficiency <= w.efficiency for s, w in zip(strong, weak, strict=True))


def test_what_counts_is_the_ratio_of_arithmetic_to_parameters():
    """AlexNet has 2.4 times ResNet-50's parameters and a sixth of its multiply-adds: it scales worst, and GoogLeNet better than VGG-16."""
    efficiency = {name: scaling(layers_of(name), MACHINE, [64], 64, bucket=2.5e7)[0].efficiency for name in ("AlexNetGrouped", "VGG16", "GoogLeNet", "ResNet50")}
    assert efficiency["AlexNetGrouped"] < 0.2 < efficiency["VGG16"] < efficiency["ResNet50"]
    assert efficiency["VGG16"] < efficiency["GoogLeNet"]


def test_the_table():
    rows = scaling(alike(2), Machine(rate=1e12, bandwidth=1e9, latency=0), [1, 1000], 1500, kind="strong", overlap=False)
    assert scaling_table(rows).splitlines() == [
        "workers  images each  seconds  images/s  efficiency",
        "      1        1,500    9.000       167       100 %",
        "  1,000          1.5    0.013   115,420        69 %",
    ]


@pytest.mark.parametrize(("call", "text"), [
    (lambda: Machine(0, 1, 1), "Machine: rate must be a number above 0, not 0"),
    (lambda: Machine(1, -1, 1), "Machine: bandwidth must be a number above 0, not -1"),
    (lambda: Machine(1, 1, -1), "Machine: latency must be a finite number >= 0, not -1"),
    (lambda: compute_time(alike(1), MACHINE, 0), "compute_time: images must be a number above 0, not 0"),
    (lambda: all_reduce_time(-1, 2, MACHINE), "all_reduce_time: nbytes must be a finite number >= 0, not -1"),
    (lambda: all_reduce_time(1, 0, MACHINE), "all_reduce_time: workers must be an integer >= 1, not 0"),
    (lambda: all_reduce_time(1, 2, MACHINE, "tree"), "all_reduce_time: method must be one of 'ring', 'server', not 'tree'"),
    (lambda: simulate(alike(1), MACHINE, 2, 1, bucket=0), "simulate: bucket must be a number above 0, not 0"),
    (lambda: simulate(alike(1), MACHINE, 2, 1, overlap=1), "simulate: overlap must be True or False, not 1"),
    (lambda: simulate_ring(8, MACHINE, 4, slow=4), "simulate_ring: slow must be a rank from 0 to 3, not 4"),
    (lambda: simulate_ring(8, MACHINE, 4, slow=1, factor=0.5), "simulate_ring: factor must be a number >= 1, how many times slower the link is, not 0.5"),
    (lambda: scaling(alike(1), MACHINE, [2], 0), "scaling: images must be an integer >= 1, not 0"),
    (lambda: scaling(alike(1), MACHINE, [2], 1, kind="both"), "scaling: kind must be one of 'weak', 'strong', not 'both'"),
    (lambda: scaling(alike(1), MACHINE, [4, 8], 7, kind="strong"), "scaling: 7 images cannot be shared by 8 workers"),
])  # fmt: skip
def test_messages(call, text):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert text in str(caught.value)
