"""Whole networks on a GPU: one step beside the CPU, memory over many steps, a recorded step beside a called one, and training with fewer bits."""

import gc

import numpy as np

import minicnn
from minicnn import Tensor, data, models, nn, optim
from minicnn.backend import to_numpy
from minicnn.models import auxiliary_cross_entropy
from minicnn.train import Trainer

IMAGE = (3, 224, 224)
CASES = {  # on a GPU, networks as published; on the stand-in, small ones
    "test_a_step_is_that_of_the_cpu": (
        [(f"{name}()", IMAGE) for name in ("ResNet18", "ResNet50", "VGG16", "GoogLeNetBN", "DenseNet121", "MobileNetV2", "ShuffleNetV2", "EfficientNetB0")],
        [("ResNet20(width=4, num_classes=5)", (3, 8, 8)), ("MobileNetV2(width=0.125, num_classes=5)", (3, 32, 32))],
    ),
    "test_memory_does_not_grow": (["fp32", "bf16"], ["fp32"]),
    "test_a_recorded_step_gives_what_called_ones_give": (["fp32", "tf32", "bf16"], ["fp32"]),
    "test_training_with_fewer_bits": (["fp32", "tf32", "bf16", "fp16"], ["fp16"]),
}


def network(code, dtype="float32"):
    """The network in main memory, always with the same weights, and without dropout."""
    minicnn.manual_seed(1)
    with minicnn.use_backend("numpy"):
        model = eval(code, vars(models)).astype(dtype)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.train()


def batch(shape, size, classes=5, dtype="float32"):
    rng = np.random.default_rng(3)
    return rng.standard_normal((size, *shape)).astype(dtype), rng.integers(classes, size=size)


def one_step(backend, code, images, labels):
    """Loss, gradients and running statistics after a step forward and back."""
    with minicnn.use_backend(backend):
        model = network(code, images.dtype).to(backend)
        loss = auxiliary_cross_entropy(model(Tensor(images)), Tensor(labels))
        loss.backward()
    found = {"loss": loss, **{f"d {name}": p.grad for name, p in model.named_parameters()}, **dict(model.named_buffers())}
    return {name: to_numpy(value.data) for name, value in found.items() if value is not None}


def test_a_step_is_that_of_the_cpu(gpu, case):
    """In float64, where no rounding can move a number to the other side of a ReLU."""
    code, shape = case
    images, labels = batch(shape, 2, dtype="float64")
    found, right = one_step("cupy", code, images, labels), one_step("numba", code, images, labels)
    assert found.keys() == right.keys()
    largest = max(np.linalg.norm(value) for key, value in right.items() if key.startswith("d "))
    for key, value in right.items():
        size = max(np.linalg.norm(value), 1e-3 * largest if key.startswith("d ") else 1e-3)
        assert np.linalg.norm(found[key] - value) < 1e-8 * size, key


def test_memory_does_not_grow(gpu, case):
    model = network("ResNet20()" if gpu.real else "ResNet20(width=4)").to("cupy")
    images, labels = map(Tensor, batch((3, 32, 32) if gpu.real else (3, 8, 8), 64 if gpu.real else 2))
    optimizer, used = optim.SGD(model.parameters(), lr=0.01, momentum=0.9), []
    for _ in range(30 if gpu.real else 8):
        optimizer.zero_grad()
        with minicnn.autocast(case):
            loss = auxiliary_cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        del loss
        gc.collect()
        used.append(gpu.used())
    assert used[-1] - used[3] <= (0 if gpu.real else 5000), used  # Python itself takes some


def trained(code, shape, size, compiled, precision, steps=6):
    """The loss of each step, and the running statistics after the last."""
    model = network(code).to("cupy")
    images, labels = map(Tensor, batch(shape, size))
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    step = minicnn.compile_step(model, auxiliary_cross_entropy, optimizer)
    found = []
    with minicnn.autocast(precision):
        for _ in range(steps):
            if compiled:
                loss = step(images, labels)
            else:
                optimizer.zero_grad()
                loss = auxiliary_cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
            found.append(loss.item())
    assert step.recorded == compiled
    return found, [to_numpy(buffer.data).tolist() for buffer in model.buffers()]


def test_a_recorded_step_gives_what_called_ones_give(gpu, case):
    what = ("ResNet18()", IMAGE, 8) if gpu.real else ("ResNet20(width=4)", (3, 8, 8), 2)
    called, recorded = (trained(*what, compiled, case) for compiled in (False, True))
    assert recorded == called
    assert len(set(called[0])) == len(called[0])


def test_training_with_fewer_bits(gpu, case):
    """ResNet-20 learns the digits in any precision; the stand-in only begins to."""
    minicnn.manual_seed(0)
    model = models.ResNet20(in_channels=1, width=16 if gpu.real else 4)
    parts = [data.Digits(train=train, size=32 if gpu.real else 8) for train in (True, False)]
    if not gpu.real:
        parts = [data.Subset(parts[0], range(0, 1400, 22)), data.Subset(parts[1], range(0, 360, 20))]
    loaders = [data.DataLoader(part, batch_size=64 if gpu.real else 16, shuffle=i == 0, seed=0) for i, part in enumerate(parts)]
    optimizer, epochs = optim.SGD(model.parameters(), lr=0.1, momentum=0.9), 6 if gpu.real else 2
    schedule = optim.OneCycleLR(optimizer, 0.1, epochs * len(loaders[0]))  # at a constant rate the last pass may be an unlucky one
    history = Trainer(model, optimizer, schedule, precision=case).fit(*loaders, epochs)
    assert history[-1].train_loss < history[0].train_loss
    assert {p.dtype for p in model.parameters()} == {np.dtype("float32")}
    if gpu.real:
        assert history[-1].test_accuracy > 0.97
