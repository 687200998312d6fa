"""Groups of parameters with learning rates of their own: what is pretrained moves slowly, what is new moves fast."""

from collections.abc import Mapping
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError, listing
from minicnn.nn import Module
from minicnn.transfer.paths import parts_at


def parameter_groups(model: Module, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """The parameters of a network in groups, each with its learning rate: for any optimiser of `minicnn.optim`.

    Args:
        model: any network. Frozen parameters are left out.
        rates: learning rates by path, or by pattern as in `freeze`. A parameter is in the group of the first entry that has it, so that "*", which has
            all, stands last.

    Returns:
        [{"params": [...], "lr": ...}, ...] in the order of `rates`, without groups in which nothing learns.

    Raises:
        ArgumentError: there is no such part (names the nearest); a rate is below 0; a parameter that learns is in no group.

    Source:
        Howard & Ruder 2018, "Universal language model fine-tuning for text classification", sec. 3.2 ("discriminative fine-tuning").

    Example:
        >>> from minicnn import models, optim
        >>> net = models.ResNet18(width=4)
        >>> optimizer = optim.SGD(parameter_groups(net, {"fc": 0.01, "*": 0.001}), lr=0.01, momentum=0.9)
        >>> [(len(group["params"]), group["lr"]) for group in optimizer.param_groups]
        [(2, 0.01), (60, 0.001)]
    """
    if not rates:
        raise ArgumentError('parameter_groups: give learning rates by path, such as {"fc": 0.01, "*": 0.001}')
    seen: set[int] = set()
    groups = []
    for path, rate in rates.items():
        lr = checks.number(rate, f"parameter_groups: the learning rate of {path!r}", 0)
        inside = [parameter for part in parts_at(model, [path], "parameter_groups").values() for parameter in part.parameters()]
        if path == "*":
            inside = list(model.parameters())  # also those that stand in the network itself
        unseen = {id(parameter): parameter for parameter in inside if parameter.requires_grad and id(parameter) not in seen}
        seen |= unseen.keys()
        if unseen:
            groups.append({"params": list(unseen.values()), "lr": lr})
    if left := [name for name, parameter in model.named_parameters() if parameter.requires_grad and id(parameter) not in seen]:
        raise ArgumentError(f'parameter_groups: {listing(left, 3)} would be in no group and never change: add "*": LR for all others, or freeze them')
    return groups
