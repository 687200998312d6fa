"""What `minicnn bench --ladder` does: the rungs of the ladder of convolution on a CUDA backend."""

import argparse
import json

from minicnn.cli import OK
from minicnn.errors import ArgumentError

WRONG = 1
OTHERS = ("against", "layers", "batch_size", "input", "threads", "repeats", "quick", "no_memory", "precision")  # options that say nothing here


def run(args: argparse.Namespace) -> int:
    """Climb, print a table for each convolution when it is done; 1 if a rung computes something else than the first.

    Raises:
        ArgumentError: the backend has no such kernels, or an option does not fit.
    """
    from minicnn.backend import CUDASIM, CUPY, get_backend, use_backend
    from minicnn.bench import ladder, ladder_report

    name = args.backend or get_backend().name
    if name not in (CUPY, CUDASIM):
        raise ArgumentError(f"bench: --ladder climbs the CUDA kernels: add --backend {CUPY}, or --backend {CUDASIM} where there is no GPU, instead of {name}")
    given = [f"--{option.replace('_', '-')}" for option in OTHERS if getattr(args, option)]
    if args.models or given:
        raise ArgumentError(f"bench: --ladder has convolutions and a procedure of its own: leave out {', '.join([*args.models, *given])}")
    with use_backend(name):
        found = ladder.start()
        for conv in ladder.climb(found):
            if args.out is not None:
                args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            if not args.json:
                print("\n".join([*ladder_report.table(found, conv), ""]), flush=True)
    print(json.dumps(found) if args.json else "\n".join(ladder_report.notes(found)))
    return OK if ladder.is_right(found) else WRONG
