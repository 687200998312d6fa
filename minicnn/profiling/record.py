"""What a profile is made of: the operations and the calls of modules, each with its time."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """One operation that ran.

    Attributes:
        op: its name, such as "Conv2d", or "SGD.step".
        phase: "forward", "backward" or "optimizer".
        path: dotted path of the module that applied it, such as "layer1.0.conv1"; "" in the outermost module, or in none.
            In the backward pass it is the module whose forward pass applied it; "" if that was not inside a profile.
        layer: the module's class, such as "Conv2d"; "" outside modules.
        start: seconds from the beginning of the profile.
        seconds: how long it took.
        own_seconds: the same without other operations that ran inside it.
        shape: of its result; in the backward pass, too, of the result of the forward pass. () for an optimiser.
        input_shapes: of its inputs, () for one that was left out; in the backward pass, too, those of the forward pass.
        macs: multiply-adds of its convolution or matrix product, as `minicnn.analysis` counts them; in the backward pass one
            such product for each gradient that is needed, of the input and of the weights. 0 for all other operations.
        bytes: memory read and written, each array once: inputs, weights and result; in the backward pass the incoming
            gradient, what the forward pass had saved, and the gradients; for an optimiser parameters, gradients and state. 0 for a view.
        thread: the system's number of the thread.
    """

    op: str
    phase: str
    path: str
    layer: str
    start: float
    seconds: float
    own_seconds: float
    shape: tuple[int, ...]
    input_shapes: tuple[tuple[int, ...], ...]
    macs: int
    bytes: int
    thread: int


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One forward pass of a module.

    Attributes:
        path: dotted path; "" for the outermost module.
        layer: its class.
        start: seconds from the beginning of the profile.
        seconds: how long it took, with everything inside.
        thread: the system's number of the thread.
    """

    path: str
    layer: str
    start: float
    seconds: float
    thread: int


@dataclass(frozen=True, slots=True)
class Tape:
    """What one profile has seen so far, in the order in which it ended; `start` on the clock `time.perf_counter`."""

    start: float
    records: list[Record] = field(default_factory=list)
    calls: list[ModuleCall] = field(default_factory=list)
