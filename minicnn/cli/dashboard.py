"""`minicnn dashboard RUN_DIR ...`: watch training runs in the browser, while they go on or afterwards."""

import argparse
import sys
import webbrowser
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import not_negative

PORT = 8765


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("dashboard", help="watch runs in the browser while they train", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN_DIR", help="folder of a run, or a folder of runs such as runs: new ones appear by themselves")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, which only this machine can reach)")
    parser.add_argument("--port", default=PORT, type=not_negative, metavar="N", help=f"port to listen at; 0 takes one that is free (default: {PORT})")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write the curves for TensorBoard into DIR instead, and end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or write files for TensorBoard."""
    return _export(args.folders, args.tensorboard) if args.tensorboard else _serve(args)


def _serve(args: argparse.Namespace) -> int:
    from minicnn.dashboard.server import DashboardServer, is_loopback

    with DashboardServer(args.folders, args.host, args.port) as server:
        if not is_loopback(args.host):
            print(
                f"Warning: with --host {args.host} other machines can reach the dashboard, and it asks for no password: "
                "whoever can reach this port sees the runs, their settings and pictures.",
                file=sys.stderr,
            )
        print(f"The dashboard is at {server.url}   (Ctrl-C ends it)", flush=True)
        if args.open:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:  # the usual end
            print()
    return OK


def _export(folders: list[Path], target: Path) -> int:
    from minicnn.dashboard.tensorboard import export_tensorboard
    from minicnn.dashboard.watch import Watch
    from minicnn.errors import ArgumentError, listing

    runs = Watch(folders).runs()
    if not runs:
        raise ArgumentError(f"there is no run in {listing(folders)}: a run's folder holds a log.jsonl")
    for name, folder in runs.items():
        print(f"{target / name}: {export_tensorboard(folder, target / name)} figures of {name}")
    return OK
