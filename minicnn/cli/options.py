"""Options that several commands share."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.errors import ArgumentError, CheckpointError
from minicnn.nn import Module
from minicnn.train.run_folder import CHECKPOINT

PICTURES = (".png", ".svg", ".pdf")


def add_backend(parser: argparse.ArgumentParser) -> None:
    """--backend NAME, --threads N and --thread-order ORDER."""
    parser.add_argument("--backend", metavar="NAME", help="which kernels compute: numba, numpy, loops, cupy (on an NVIDIA GPU), cudasim (CUDA simulated; default: numba)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the backend numba (default: all processors)")
    parser.add_argument("--thread-order", metavar="ORDER", help="of the CUDA threads on the backend cudasim: forward, reverse, or shuffled[:SEED]")


def use_backend(args: argparse.Namespace) -> str:
    """Apply --backend, --threads and --thread-order to this process; returns the name of the active backend."""
    from minicnn.backend import CUDASIM, get_backend, set_backend

    if args.backend is not None:
        set_backend(args.backend)
    if args.threads is not None:
        from minicnn.backend import set_num_threads

        set_num_threads(args.threads)
    if args.thread_order is not None and get_backend().name != CUDASIM:
        raise ArgumentError(f"--thread-order is that of CUDA threads in the simulator: add --backend {CUDASIM}; the backend here is {get_backend().name}")
    if args.thread_order is not None:
        from minicnn.kernels.cuda.simulator import parse_thread_order, set_thread_order

        set_thread_order(*parse_thread_order(args.thread_order, "--thread-order"))
    return get_backend().name


def add_precision(parser: argparse.ArgumentParser, default: str | None = "fp32") -> None:
    """--precision NAME."""
    from minicnn.ops.autocast import PRECISIONS

    parser.add_argument(
        "--precision", choices=PRECISIONS, default=default, help="of the products: all digits of float32 (default), or fewer, on a GPU's tensor cores"
    )


def use_precision(args: argparse.Namespace) -> str:
    """The precision, after a check that the active backend has it; call `use_backend` before.

    Raises:
        BackendError: it has not.
    """
    from minicnn.ops.autocast import autocast

    with autocast(args.precision):
        return str(args.precision)


def load_run(run: Path) -> tuple[Module, dict[str, Any]]:
    """The network of a run and the contents of its checkpoint.

    Raises:
        CheckpointError: there is no such run, its checkpoint is damaged, or `minicnn train` has not made it.
    """
    from minicnn.models import load_model

    if not run.exists():
        raise CheckpointError(f"no run at {run}: there is no such folder or file; `minicnn train` makes one")
    if run.is_dir() and not (run / CHECKPOINT).is_file():
        raise CheckpointError(f"the folder {run} has no {CHECKPOINT} in it: is it the folder of a run, and has the run finished an epoch?")
    model, contents = load_model(run / CHECKPOINT if run.is_dir() else run)
    if not {"dataset", "epoch"} <= contents.keys():
        raise CheckpointError(f"the checkpoint {run} does not say on which dataset it was trained: `minicnn train` has not made it")
    return model, contents


def load_images(contents: dict[str, Any]) -> Any:
    """The dataset of a run, from where the run had it.

    Raises:
        ArgumentError, DataError, DownloadError, CheckpointError: as `train.remembered.images_of`.
    """
    from minicnn.cli.download import showing_downloads
    from minicnn.train.remembered import images_of

    with showing_downloads() as report:
        return images_of(contents, report)


def load_reader(contents: dict[str, Any]) -> Any:
    """What is needed to show pictures to the network of a run; its own images only if there is no other way.

    Raises:
        ArgumentError, DataError, DownloadError, CheckpointError: as `train.remembered.images_of`.
    """
    from minicnn.cli.download import showing_downloads
    from minicnn.train.remembered import reader_of

    with showing_downloads() as report:
        return reader_of(contents, report)


def picture_file(text: str) -> Path:
    """Where a picture is to be drawn; Matplotlib would add an ending of its own to a name without one.

    >>> picture_file("sheet.svg").suffix
    '.svg'
    """
    path = Path(text)
    if path.suffix.lower() not in PICTURES or path.is_dir():
        raise argparse.ArgumentTypeError(f"needs {', '.join(PICTURES[:-1])} or {PICTURES[-1]} at the end of a file's name, not {text!r}")
    return path


def positive(text: str) -> int:
    """An integer >= 1.

    >>> positive("3")
    3
    """
    return _integer(text, 1)


def not_negative(text: str) -> int:
    """An integer >= 0, such as a seed."""
    return _integer(text, 0)


def _integer(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"must be an integer >= {least}, not {text!r}")
    return number
