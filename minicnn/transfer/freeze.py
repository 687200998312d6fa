"""Freezing: parts of a network that stay as they are while the rest is trained."""

from minicnn.errors import ArgumentError
from minicnn.nn import Module
from minicnn.transfer.paths import parts_at


def freeze(model: Module, *paths: str) -> None:
    """Keep parts of a network as they are: their parameters require no gradient, and they are in evaluation mode.

    Evaluation mode belongs to it. A batch norm in training mode would go on moving its running mean and variance, with its parameters frozen or not,
    and dropout would go on blurring what frozen layers say.

    A `Trainer` leaves the modes of parts alone as long as the network itself is in training mode; `model.train()` switches all parts back, so freeze
    after it. A network that is in evaluation mode as a whole is switched to training mode first, all but the parts that are frozen already.

    Args:
        model: any network.
        paths: of its parts, "layer1", or patterns, "features.[0-3]"; all that is inside is frozen too. "*" is all of the network, also the parameters that
            stand in itself.

    Raises:
        ArgumentError: no path is given, or there is no such part (names the nearest).

    Example:
        >>> from minicnn.models import ResNet18
        >>> net = ResNet18(width=4)
        >>> freeze(net, "conv1", "bn1", "layer[12]")
        >>> net.layer1.training, net.layer3.training, net.bn1.weight.requires_grad, net.fc.weight.requires_grad
        (False, True, False, True)
    """
    parts = _parts(model, paths, "freeze")
    if not model.training:
        train_but_frozen(model)
    for part in parts:
        part.requires_grad_(False).eval()
    _let_own_parameters(model, paths, learn=False)


def train_but_frozen(model: Module) -> None:
    """Switch a network to training mode, but not the parts that are frozen: those with parameters of which none learns."""
    frozen = [part for part in model.modules() if part is not model and is_frozen(part)]
    model.train()
    for part in frozen:
        part.eval()


def is_frozen(part: Module) -> bool:
    """Has it parameters, and learns none of them?"""
    learning = [parameter.requires_grad for parameter in part.parameters()]
    return bool(learning) and not any(learning)


def unfreeze(model: Module, *paths: str) -> None:
    """Let parts of a network learn again: their parameters require gradients, and they are in training mode.

    Arguments as for `freeze`.

    Raises:
        ArgumentError: no path is given, or there is no such part (names the nearest).

    Example:
        >>> from minicnn.models import LeNet5
        >>> net = LeNet5()
        >>> freeze(net, "*")
        >>> unfreeze(net, "output")
        >>> [name for name, parameter in net.named_parameters() if parameter.requires_grad]
        ['output.weight', 'output.bias']
    """
    for part in _parts(model, paths, "unfreeze"):
        part.requires_grad_(True).train()
    _let_own_parameters(model, paths, learn=True)


def freeze_all_but(model: Module, *paths: str) -> None:
    """Freeze all parts of a network but these.

    Arguments as for `freeze`.

    Raises:
        ArgumentError: no path is given, or there is no such part (names the nearest).

    Example:
        >>> from minicnn.models import LeNet5
        >>> net = LeNet5()
        >>> freeze_all_but(net, "f6", "output")
        >>> [name for name, parameter in net.named_parameters() if parameter.requires_grad]
        ['f6.weight', 'f6.bias', 'output.weight', 'output.bias']
    """
    learning = _parts(model, paths, "freeze_all_but")
    freeze(model, "*")
    for part in learning:
        part.requires_grad_(True).train()


def _let_own_parameters(model: Module, paths: tuple[str, ...], learn: bool) -> None:
    """The parameters that stand in the network itself, and not in a part of it, belong to "*" alone."""
    if "*" in paths:
        for name, parameter in model.named_parameters():
            if "." not in name:
                parameter.requires_grad_(learn)


def _parts(model: Module, paths: tuple[str, ...], place: str) -> list[Module]:
    if not paths:
        raise ArgumentError(f'{place}: name the parts by their paths, such as {place}(model, "layer1"); "*" is all of them')
    return list(parts_at(model, paths, place).values())
