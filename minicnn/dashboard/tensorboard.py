"""A run's log as a file of events that TensorBoard reads."""

import os
from pathlib import Path

from minicnn.dashboard.log import LogTail
from minicnn.errors import ArgumentError, install
from minicnn.train.run_folder import LOG


def export_tensorboard(run: str | os.PathLike[str], folder: str | os.PathLike[str]) -> int:
    """Write every figure of a run's log: those of a step as `step/loss`, ... over the steps, those of an epoch as `epoch/train_loss`, ... over the epochs.

    Args:
        run: the run's folder.
        folder: where to write; TensorBoard shows each folder as a run.

    Returns:
        The number of figures written.

    Raises:
        ArgumentError: the package tensorboardX is not installed, or the folder holds no log.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ArgumentError(f"files for TensorBoard need the package tensorboardX, which is not installed: {install('tensorboard')}") from None
    path = Path(run) / LOG
    if not path.is_file():
        raise ArgumentError(f"no run at {run}: there is no {LOG} in it")
    count = 0
    with SummaryWriter(str(folder)) as writer:
        for line in LogTail(path).news()[1]:
            if (kind := line["kind"]) not in ("step", "epoch"):
                continue
            for name, value in line.items():
                if name not in ("kind", "step", "epoch") and isinstance(value, (int, float)):
                    writer.add_scalar(f"{kind}/{name}", value, line[kind])
                    count += 1
    return count
