"""`minicnn gradcheck [OP]`: are the gradients right? Drawn shapes and attributes, measured slopes, a verdict per operation."""

import argparse
from time import perf_counter
from typing import TYPE_CHECKING, Any

from minicnn.cli import FAILED, OK
from minicnn.cli.options import add_backend, not_negative, positive, use_backend
from minicnn.errors import ArgumentError, nearest

if TYPE_CHECKING:
    from minicnn.testing.gradcheck import Outcome


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("gradcheck", help="check the gradients of one operation, or of all", description=__doc__)
    parser.add_argument("op", nargs="?", metavar="OP", help="operation, such as conv2d (default: all)")
    parser.add_argument("--examples", type=positive, default=20, metavar="N", help="drawn cases per operation (default: 20)")
    parser.add_argument("--seed", type=not_negative, default=0, metavar="N", help="of the drawn cases (default: 0)")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table, then the reports of what failed; 1 if anything did."""
    from minicnn.testing import GradcheckError
    from minicnn.testing.cases import CASES

    if args.op is not None and args.op not in CASES:
        raise ArgumentError(f"unknown operation {args.op!r}: {nearest(args.op, CASES)}")
    backend = use_backend(args)
    ops = [args.op] if args.op else list(CASES)
    width = max(len("operation"), *map(len, ops))
    print(f"backend {backend}, {args.examples} cases each, seed {args.seed}\n")
    print(f"{'operation':<{width}}  verdict   slopes  largest error     time", flush=True)
    reports: dict[str, str] = {}
    for op in ops:
        start = perf_counter()
        try:
            outcomes = _check(op, backend, args.examples, args.seed)
            figures = f"{sum(o.slopes for o in outcomes):>6}  {max(o.error for o in outcomes):>13.1e}"
        except GradcheckError as error:
            reports[op], figures = str(error), f"{'':>6}  {'':>13}"
        print(f"{op:<{width}}  {'WRONG  ' if op in reports else 'right  '}  {figures}  {perf_counter() - start:>5.1f} s", flush=True)
    for report in reports.values():
        print(f"\n{report}")
    print(f"\n{len(reports)} of {len(ops)} wrong" if reports else f"\nall {len(ops)} right")
    return FAILED if reports else OK


def _check(op: str, backend: str, examples: int, seed: int) -> "list[Outcome]":
    """A kernel is compared with its definition and checked; an operation without kernels is checked."""
    from minicnn import kernels
    from minicnn.testing import check_kernel, gradcheck
    from minicnn.testing.cases import CASES
    from minicnn.testing.draw import RandomDraw

    if op in kernels.OPS:
        return check_kernel(op, backend=backend, examples=examples, seed=seed)
    cases = [CASES[op](RandomDraw(1000 * seed + example)) for example in range(examples)]
    return [gradcheck(case.function, case.inputs, name=op) for case in cases]
