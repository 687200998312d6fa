"""What `minicnn bench --ladder` does: the rungs of the ladder of convolution on a CUDA backend."""

import argparse
import json

from minicnn.cli import OK
from minicnn.errors import ArgumentError

WRONG = 1


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
    if args.models or args.against or args.layers:
        raise ArgumentError("bench: --ladder has convolutions of its own: leave out networks, --against and --layers")
    with use_backend(name):
        found = ladder.start()
        for conv in ladder.climb(found):
            if args.out is not None:
                args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            if not args.json:
                print("\n".join([*ladder_report.table(found, conv), ""]), flush=True)
    print(json.dumps(found) if args.json else "\n".join(ladder_report.notes(found)))
    return OK if ladder.is_right(found) else WRONG
