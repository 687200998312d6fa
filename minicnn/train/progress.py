"""Progress on the screen: a live bar in a terminal, one line per epoch everywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from minicnn.train.callback import Callback
from minicnn.train.epoch import Epoch
from minicnn.train.metrics import Metrics
from minicnn.train.trainer import Trainer


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """One line about a pass.

    >>> epoch_line(Epoch(3, 0.01, 0.5, 0.875, 0.25, 0.9375, 2.0, 700.0), epochs=20)
    'epoch  3/20   training: loss 0.5000, accuracy  87.50 %   held out: loss 0.2500, accuracy  93.75 %   700 images/s'
    """
    width = len(str(epochs))
    return (
        f"epoch {epoch.epoch:>{width}}/{epochs}   "
        f"training: loss {epoch.train_loss:.4f}, accuracy {100 * epoch.train_accuracy:6.2f} %   "
        f"held out: loss {epoch.test_loss:.4f}, accuracy {100 * epoch.test_accuracy:6.2f} %   "
        f"{epoch.images_per_second:.0f} images/s"
    )


class PlainProgress(Callback):
    """One line per epoch: for files, pipes and notebooks' logs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:  # noqa: ARG002 - called like every callback
        print(epoch_line(epoch, self.epochs), flush=True)  # noqa: T201 - progress is output


@contextmanager
def show_progress(epochs: int, steps_per_epoch: int) -> Iterator[Callback]:
    """A live bar if the output is a terminal, else plain lines."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        yield PlainProgress(epochs)
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (  # all of it fits into 80 characters
        TextColumn("{task.description}"), BarColumn(bar_width=10), TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(compact=True), TextColumn("left"),
    )  # fmt: skip
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"epoch 1/{epochs}", total=epochs * steps_per_epoch, figures="compiling (kept for the next time)")

        class LiveProgress(Callback):
            def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
                figures = f"loss {metrics.loss:.4f}  accuracy {100 * metrics.accuracy:5.1f} %  {metrics.images_per_second:.0f} images/s"
                bar.update(task, completed=trainer.steps, figures=figures)

            def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:  # noqa: ARG002 - called like every callback
                console.print(epoch_line(epoch, epochs), soft_wrap=True)
                bar.update(task, description=f"epoch {min(epoch.epoch + 1, epochs)}/{epochs}")

        yield LiveProgress()
