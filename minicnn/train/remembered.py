"""What a run's checkpoint remembers of its images: the names of the classes, the size, and where they lay, if they lay in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn import checks
from minicnn.data.published import Report
from minicnn.errors import ArgumentError, CheckpointError, DataError, listing
from minicnn.train.datasets import ImageSet, load_dataset, only_read
from minicnn.train.pretrained import as_pretrained


@dataclass(frozen=True)
class Remembered:
    """The images of a run, without the images.

    Attributes:
        dataset: as it was given.
        classes, shape, folder: as in `ImageSet`; None in a checkpoint of a version of minicnn that kept none of them.
    """

    dataset: str
    classes: tuple[str, ...] | None
    shape: tuple[int, int, int] | None
    folder: str | None

    @property
    def place(self) -> str:
        """Where the dataset is now: the folder that the run used, wherever one stands; if that is gone, what the name means from here.

        Raises:
            DataError: it is in neither place.
        """
        if self.folder is None:
            return self.dataset
        for path in (Path(self.folder), Path(self.dataset).absolute()):
            if path.exists():
                return str(path)
        raise DataError(f"the run was trained on {self.folder}, which is not there any more: bring it back, or stand where {self.dataset} leads to it")


def to_remember(images: ImageSet) -> dict[str, Any]:
    """The entry `images` of a checkpoint."""
    return {"classes": list(images.classes), "shape": list(images.shape), "folder": images.folder}


def remembered(contents: Mapping[str, Any]) -> Remembered:
    """What a checkpoint says of its images.

    Raises:
        CheckpointError: nothing that could be meant.
    """
    entry = contents.get("images", {"classes": None, "shape": None, "folder": None})
    try:
        classes, shape, folder = entry["classes"], entry["shape"], entry["folder"]
    except (KeyError, TypeError):
        raise CheckpointError(f"the checkpoint is damaged: its entry images must have classes, shape and folder, not {entry!r:.80}") from None
    if classes is not None and not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        raise CheckpointError(f"the checkpoint is damaged: its classes must be a list of names, not {classes!r:.80}")
    if shape is not None and not (isinstance(shape, list) and len(shape) == 3 and all(checks.is_integer(n) and n > 0 for n in shape)):
        raise CheckpointError(f"the checkpoint is damaged: the shape of its images must be three counts, not {shape!r:.80}")
    if folder is not None and not isinstance(folder, str):
        raise CheckpointError(f"the checkpoint is damaged: the folder of its images must be a path, not {folder!r:.80}")
    count = contents["network"]["kwargs"].get("num_classes")
    if classes is not None and checks.is_integer(count) and count != len(classes):
        raise CheckpointError(f"the checkpoint is damaged: it has {len(classes)} names for {count} classes")
    names = None if classes is None else tuple(classes)
    return Remembered(contents["dataset"], names, None if shape is None else (shape[0], shape[1], shape[2]), folder)


def images_of(contents: Mapping[str, Any], report: Report | None = None) -> ImageSet:
    """The dataset of a run, from where the run had it, with the same classes.

    Raises:
        ArgumentError, DataError, DownloadError: as `load_dataset`; or the classes are others by now: says which.
        CheckpointError: the checkpoint is damaged.
    """
    known, recipe = remembered(contents), _recipe(contents)
    size = recipe.get("image_size") if known.folder is None or known.shape is None else known.shape[1]  # even if another picture is the first by now
    images = load_dataset(known.place, recipe.get("data_dir"), report, size)
    check_classes(known, images, contents["network"]["kwargs"].get("num_classes"))
    return as_pretrained(images, recipe)


def reader_of(contents: Mapping[str, Any], report: Report | None = None) -> ImageSet:
    """What is needed to show a picture to the network of a run: names, size and preparation. A folder's pictures need not be there any more.

    Raises:
        ArgumentError, DataError, DownloadError, CheckpointError: as `images_of`.
    """
    known = remembered(contents)
    if known.classes is None or known.shape is None or known.folder is None:
        return images_of(contents, report)
    return as_pretrained(only_read(known.classes, known.shape[1]), _recipe(contents))


def check_classes(known: Remembered, images: ImageSet, count: object = None) -> None:
    """The labels mean what they meant when the run was trained.

    Args:
        count: of the network's classes, for a checkpoint that has no names.

    Raises:
        ArgumentError: they do not.
    """
    where = images.folder or known.dataset
    if known.classes is None:
        if checks.is_integer(count) and count != len(images.classes):
            raise ArgumentError(f"the network of the run tells {count} classes apart, but {where} has {len(images.classes)} by now: {listing(images.classes)}")
        return
    if known.classes == images.classes:
        return
    new = [name for name in images.classes if name not in known.classes]
    gone = [name for name in known.classes if name not in images.classes]
    changes = [*([f"new: {listing(new)}"] if new else []), *([f"gone: {listing(gone)}"] if gone else [])] or ["their order is another"]
    raise ArgumentError(
        f"the classes of {where} are no longer those that the run was trained on ({listing(known.classes)}): {'; '.join(changes)}; "
        "bring the folders back as they were, or train anew"
    )


def _recipe(contents: Mapping[str, Any]) -> Mapping[str, Any]:
    recipe = contents.get("recipe")
    return recipe if isinstance(recipe, Mapping) else {}
