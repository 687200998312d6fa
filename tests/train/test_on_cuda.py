"""Whole networks learn on the CUDA kernels, without a GPU."""

import pytest

import minicnn
from minicnn import data, models, ops, optim


def losses(backend, precision=None, steps=8):
    with minicnn.use_backend(backend):
        minicnn.manual_seed(0)
        model = models.LeNet5()
        optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        images = data.DataLoader(data.Digits(train=True), batch_size=16, shuffle=True, seed=0)
        found = []
        for (x, labels), _ in zip(images, range(steps), strict=False):
            with minicnn.autocast(precision):
                loss = ops.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found


@pytest.mark.parametrize(("precision", "tolerance"), [(None, 1e-4), ("tf32", 1e-2), ("bf16", 5e-2)])
def test_lenet5_learns_digits_in_the_simulator_as_it_does_elsewhere(precision, tolerance):
    right = losses("numpy")
    found = losses("cudasim", precision)
    assert found == pytest.approx(right, rel=tolerance)
    assert min(found[-2:]) < found[0]
