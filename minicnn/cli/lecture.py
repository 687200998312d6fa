"""`minicnn lecture`: the numbers of the lecture "CNN Architectures", beside those that come out of the networks here."""

import argparse
import json
from typing import Any

from minicnn.cli import FAILED, OK


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("lecture", help="the lecture's numbers, recomputed from the networks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table; 1 if a number differs without a reason."""
    from minicnn.analysis.lecture import claims

    found = claims()
    unexplained = [claim for claim in found if not claim.agrees and not claim.reason]
    if args.json:
        print(json.dumps([{**vars(claim), "agrees": claim.agrees} for claim in found]))
        return FAILED if unexplained else OK
    what, lecture = max(len(claim.what) for claim in found), max(len(claim.lecture) for claim in found)
    topic = ""
    for claim in found:
        if claim.topic != topic:
            print(f"\n{claim.topic}\n{'':4}{'':{what}}  {'lecture':<{lecture}}  here")
        topic = claim.topic
        print(f"  {'✓' if claim.agrees else '≠'} {claim.what:<{what}}  {claim.lecture:<{lecture}}  {claim.here}{' (looked up)' if claim.looked_up else ''}")
        if not claim.agrees:
            print(f"{'':6}{claim.reason or 'no reason is known'}")
    computed = sum(not claim.looked_up for claim in found)
    print(f"\n{len(found)} numbers: {computed} computed, {len(found) - computed} looked up in the papers;")
    agree = sum(claim.agrees for claim in found)
    different = len(found) - agree - len(unexplained)
    print(f"{agree} as in the lecture, {different} with a reason for the difference, {len(unexplained)} without")
    return FAILED if unexplained else OK
