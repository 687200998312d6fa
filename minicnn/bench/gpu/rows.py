"""What is measured on a GPU: a workload in a precision."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from minicnn.bench.workload import Workload

PRECISIONS = ("fp32", "tf32", "bf16")
"""How products are computed: in true float32; in float32 with factors of 11 bits; in bfloat16, the weights staying float32 (autocast)."""


@dataclass(frozen=True)
class GpuRow:
    """One row of a benchmark on a GPU.

    Example:
        >>> GpuRow(Workload("ResNet20", (3, 32, 32), 128, "train"), "bf16").label
        'ResNet20 128x3x32x32 train bf16'
    """

    workload: Workload
    precision: str

    @property
    def label(self) -> str:
        """The row in one word for messages."""
        return f"{self.workload.label} {self.precision}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self.workload), "precision": self.precision}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "GpuRow":
        """The way back.

        >>> GpuRow.from_dict(STANDARD[0].as_dict()) == STANDARD[0]
        True
        """
        return cls(Workload(row["model"], tuple(row["input"]), row["batch_size"], row["mode"]), row["precision"])


def in_precisions(workloads: Sequence[Workload], precisions: Sequence[str]) -> list[GpuRow]:
    """Each workload in each precision."""
    return [GpuRow(workload, precision) for workload in workloads for precision in precisions]


WORKLOADS = (  # what matters most comes first: time may run out
    Workload("ResNet50", (3, 224, 224), 256, "train"),
    Workload("ResNet18", (3, 224, 224), 256, "train"),
    Workload("ResNet20", (3, 32, 32), 128, "train"),
    Workload("ResNet50", (3, 224, 224), 256, "inference"),
    Workload("ResNet18", (3, 224, 224), 256, "inference"),
    Workload("ResNet50", (3, 224, 224), 64, "train"),
    Workload("ResNet18", (3, 224, 224), 64, "train"),
    Workload("ResNet50", (3, 224, 224), 64, "inference"),
    Workload("ResNet18", (3, 224, 224), 64, "inference"),
)
STANDARD = tuple(in_precisions(WORKLOADS, PRECISIONS))
