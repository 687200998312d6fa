"""How much of a pretrained network is trained on the new task."""

from collections.abc import Sequence

from minicnn import checks
from minicnn.errors import ArgumentError, listing
from minicnn.nn import Module
from minicnn.nn.batch_norm import BatchNorm
from minicnn.nn.watch import runs
from minicnn.transfer.features import last_layer
from minicnn.transfer.freeze import freeze, freeze_all_but, train_but_frozen
from minicnn.transfer.linear import stage_paths

STRATEGIES = {
    "linear": "the last layer only: a linear classifier on frozen features",
    "few": "the layers behind the last but one stage, at the smallest maps",
    "all": "all layers",
}


def apply_strategy(model: Module, strategy: str, image: Sequence[int]) -> None:
    """Freeze what a strategy leaves as it is, and keep the statistics of all batch norms.

    The running means and variances come from more images than the new task has, and those of its small batches would take many steps to replace them:
    in EfficientNet each step moves them by a hundredth, while the weights below them change. So batch norms are in evaluation mode, with scales and shifts that
    learn where the strategy says so. A network that is in evaluation mode as a whole is switched to training mode first, as by `freeze`: a `Trainer` would do it,
    and the batch norms with it.

    Args:
        model: a pretrained network whose head is replaced; nothing in it that the strategy trains is frozen.
        strategy: one of `STRATEGIES`.
        image: (C, H, W) of an image, as it will be trained.

    Raises:
        ArgumentError: there is no such strategy, or something is frozen that it would train.

    Example:
        >>> from minicnn.models import ResNet18
        >>> net = ResNet18(width=4)
        >>> apply_strategy(net, "few", (3, 64, 64))
        >>> sorted({name.partition(".")[0] for name, parameter in net.named_parameters() if parameter.requires_grad})
        ['fc', 'layer4']
    """
    checks.choice(strategy, "the strategy", tuple(STRATEGIES))
    last = last_layer(model, image)
    lower = lower_parts(model, image) if strategy == "few" else []
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad and (strategy != "linear" or name.startswith(f"{last}."))]
    if left := [name for name in frozen if not name.startswith(tuple(f"{path}." for path in lower))]:
        raise ArgumentError(f'the strategy {strategy} would train {listing(left, 3)}, which {"is" if len(left) == 1 else "are"} frozen: unfreeze(model, "*") first')
    if not model.training:
        train_but_frozen(model)
    if strategy == "linear":
        freeze_all_but(model, last)
    elif lower:
        freeze(model, *lower)
    for module in model.modules():
        if isinstance(module, BatchNorm):
            module.eval()


def lower_parts(model: Module, image: Sequence[int]) -> list[str]:
    """The parts that have run when the last but one of `stage_paths` is done; of a network with one stage, none."""
    order = [run.path for run in runs(model, image)]
    stages = stage_paths(model, image)
    return order[: order.index(stages[-2]) + 1] if len(stages) > 1 else []
