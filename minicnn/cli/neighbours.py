"""`minicnn neighbours [RUN] IMAGE... --in FOLDER`: which pictures of a folder are most like these, to a network and to the bare pixels."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.cli import OK
from minicnn.cli.options import add_backend, picture_file, positive, use_backend
from minicnn.cli.pictures import Viewer, add_network, open_viewer
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.transfer.neighbours import METRICS, Neighbours, neighbours

BATCH = 32
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser(
        "neighbours",
        help="the pictures of a folder that are most like yours, to a network",
        description=__doc__,
        usage="%(prog)s [-h] (RUN | --model NAME --weights FILE) IMAGE [IMAGE ...] --in FOLDER [options]",
    )
    add_network(parser)
    parser.add_argument("--in", dest="folder", type=Path, required=True, metavar="FOLDER", help="where to look, in its folders, too")
    parser.add_argument("--layer", metavar="PATH", help="whose output are the features (default: what goes into the last layer with weights)")
    parser.add_argument("--count", type=positive, default=5, metavar="N", help="neighbours of each picture (default: 5)")
    parser.add_argument("--metric", choices=METRICS, default="l2", help="between features: the Euclidean distance (default), or 1 - cos of the angle")
    parser.add_argument("--out", type=picture_file, metavar="FILE", help="draw them: .png, .svg or .pdf")
    add_backend(parser)
    parser.set_defaults(run=run)


class Pictures:
    """The pictures of some files as a dataset: sample i is (input of the network, i)."""

    def __init__(self, viewer: Viewer, paths: list[Path]) -> None:
        self.viewer, self.paths = viewer, paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Array, int]:
        return self.viewer.prepare(str(self.paths[index]))[0], index


def run(args: argparse.Namespace) -> int:
    """Print the table, draw the sheet."""
    from minicnn.data import DataLoader

    use_backend(args)
    viewer, paths = open_viewer(args, "neighbours")
    queries = [viewer.prepare(path) for path in paths]
    others = _pictures_in(args.folder, paths)
    loader = DataLoader(Pictures(viewer, others), batch_size=BATCH)
    found, in_pixels = neighbours(viewer.model, np.stack([x for x, _ in queries]), loader, args.layer, count=args.count, metric=args.metric)
    print(f"{len(others):,} pictures in {args.folder}; distance of features: {args.metric}; of pixels: l2")
    names = [str(other.relative_to(args.folder)) for other in others]
    for q, path in enumerate(paths):
        print(f"\n{path}\n" + "\n".join(_table(q, names, found, in_pixels)))
    if args.out is not None:
        _draw(args.out, viewer, paths, [seen for _, seen in queries], others, found, in_pixels)
        print(f"\npicture: {args.out}")
    return OK


def _pictures_in(folder: Path, without: list[str]) -> list[Path]:
    """The pictures of a folder and of all folders in it, sorted; those that are asked about are not their own neighbours."""
    if not folder.is_dir():
        raise ArgumentError(f"neighbours: there is no folder {folder}")
    asked = {Path(path).resolve() for path in without}
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file() and path.resolve() not in asked)
    if not found:
        raise ArgumentError(f"neighbours: there is no picture in {folder} to compare with (looked for {' '.join(SUFFIXES)})")
    return found


def _table(q: int, names: list[str], found: Neighbours, in_pixels: Neighbours) -> list[str]:
    """Lines with the neighbours in features on the left and those in pixels on the right."""
    width = max(len(names[i]) for i in found.indices[q])
    lines = [f"      {'by features':<{width + 12}}by pixels"]
    for rank in range(found.indices.shape[1]):
        cells = [(names[near.indices[q, rank]], near.distances[q, rank]) for near in (found, in_pixels)]
        lines.append(f"  {rank + 1:>2}  {cells[0][0]:<{width}} {cells[0][1]:9.4g}  {cells[1][0]} {cells[1][1]:.4g}")
    return lines


def _draw(
    out: Path, viewer: Viewer, paths: list[str], seen: list[Array], others: list[Path], found: Neighbours, in_pixels: Neighbours
) -> None:
    """Two rows for each picture: its neighbours in features, and below them those in pixels."""
    from minicnn.visualise import Panel, draw

    rows = []
    for q, path in enumerate(paths):
        for near, kind in ((found, "by features"), (in_pixels, "by pixels")):
            row = [Panel(seen[q], f"{Path(path).name}\n{kind}")]
            for i, distance in zip(near.indices[q], near.distances[q], strict=True):
                row.append(Panel(viewer.prepare(str(others[i]))[1], f"{others[i].name}\n{distance:.4g}"))
            rows.append(row)
    draw(rows, out)
