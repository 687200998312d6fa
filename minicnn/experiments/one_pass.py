"""Training on pictures that never repeat: one pass over a loader, with Adam and one cycle of the learning rate."""

from collections.abc import Callable
from typing import Any

from minicnn.autograd import Tensor
from minicnn.data import DataLoader
from minicnn.nn import Module
from minicnn.optim import Adam, OneCycleLR


def train_one_pass(model: Module, batches: DataLoader, loss: Callable[[Any], Tensor], lr: float, say: Callable[[str], None]) -> list[float]:
    """The losses of all steps.

    Args:
        loss: from a batch of the loader to the mean loss over it.
        lr: the highest rate of the cycle.
        say: told ten times how far it has come.
    """
    optimizer = Adam(model.parameters(), lr=lr)
    schedule = OneCycleLR(optimizer, lr, len(batches))
    model.train()
    losses: list[float] = []
    for step, batch in enumerate(batches, 1):
        optimizer.zero_grad()
        value = loss(batch)
        value.backward()
        optimizer.step()
        schedule.step()
        losses.append(value.item())
        if step % max(1, len(batches) // 10) == 0:
            lately = losses[-max(1, len(batches) // 10) :]
            say(f"  step {step} of {len(batches)}: loss {sum(lately) / len(lately):.3f}")
    return losses
