"""The command line: `minicnn COMMAND`. One file a command, imported only when it is the one that runs."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from minicnn import cuda
from minicnn._version import __version__
from minicnn.distributed.mpi import end_those_who_wait
from minicnn.errors import ArgumentError, MinicnnError, listing, nearest

COMMANDS = (
    "train", "finetune", "evaluate", "predict", "dashboard", "experiment", "search", "course", "visualise", "neighbours", "weights", "summary", "scale", "draw", "compare", "bench", "lecture", "gradcheck", "doctor",
)  # fmt: skip
OK, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130  # exit codes; 130 = 128 + SIGINT


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the options are listed."""
        raise ArgumentError(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 if a check failed, 2 for wrong input, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by `>&-`
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the process ends
    try:
        args = parser(_command(arguments)).parse_args(arguments)
        if args.run is None:
            args.parser.print_help()
            return OK
        code = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone: `| head`
        return FAILED
    except BaseException as error:
        if (said := complaint(error)) is None:
            raise
        sentence, code = said
        sys.stdout.flush()
        end_those_who_wait("minicnn: " + sentence)
        print("minicnn: " + sentence, file=sys.stderr)
        return code
    return int(code)


def complaint(error: BaseException) -> tuple[str, int] | None:
    """The line that says what is wrong, and the exit code; None for what nobody has foreseen."""
    if isinstance(error, MinicnnError):
        sentence, code = str(error), WRONG_INPUT
    elif isinstance(error, OSError):
        sentence, code = f"{error.filename or 'input or output'}: {error.strerror or error}", WRONG_INPUT
    elif isinstance(error, KeyboardInterrupt):
        sentence, code = "interrupted", INTERRUPTED
    elif isinstance(error, Exception) and (said := cuda.explained(error)):
        sentence, code = str(said), WRONG_INPUT
    elif isinstance(error, MemoryError):
        sentence, code = f"not enough memory: {str(error) or 'none is left'}", WRONG_INPUT
    else:
        return None
    return " ".join(sentence.split()), code


def _command(arguments: Sequence[str]) -> str | None:
    command = next((a for a in arguments if not a.startswith("-")), None)
    if command is not None and command not in COMMANDS:
        if arguments[0].startswith("-"):
            raise ArgumentError(f"options come after the command: minicnn COMMAND {arguments[0]} ..., where COMMAND is {listing(COMMANDS)}")
        raise ArgumentError(f"unknown command {command!r}: {nearest(command, COMMANDS)}")
    return command


def parser(command: str | None = None) -> Parser:
    """The parser of one command, or of all of them, for the help text."""
    whole = Parser(prog="minicnn", description="Train convolutional networks and look into them, down to the last multiply-add.")
    whole.add_argument("--version", action="version", version=f"minicnn {__version__}")
    whole.set_defaults(run=None, parser=whole)
    commands: Any = whole.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for name in COMMANDS if command is None else [command]:
        importlib.import_module(f"minicnn.cli.{name}").add_parser(commands)
    return whole
