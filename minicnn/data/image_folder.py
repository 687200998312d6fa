"""Pictures in folders, a folder for each class: on the disk, or in a tar archive."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from minicnn.data.dataset import no_sample
from minicnn.errors import DataError, listing
from minicnn.io.picture import read_picture
from minicnn.io.tar import TarFiles
from minicnn.kernels.types import Array

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


class ImageFolder:
    """A folder with one subfolder for each class, and pictures in each of them. Sample i is (image, label).

        photographs/train/cat/001.jpg          ImageFolder("photographs/train").classes == ("cat", "dog")
        photographs/train/dog/001.jpg

    A picture is opened when it is asked for: an array (3, H, W) of bytes, red, green and blue (`io.read_picture`). Pictures differ in size; a transform such
    as `RandomResizedCrop` brings them to one. Files whose names do not end like those of pictures, names that begin with a dot, and the folder `__MACOSX` that a Mac packs beside others, are passed over.

    The folder may lie in an uncompressed tar archive, which is read where it is: `ImageFolder("photographs.tar/photographs/train")`. On a shared disk,
    one large file is far quicker to copy and to open than a hundred thousand small ones.

    Args:
        folder: the folder with the folders of the classes.
        classes: the names of the classes in the order of their labels, such as those of the training pictures, if some may be missing here;
            otherwise the folders in alphabetical order.

    Attributes:
        classes: the names of the classes; label k means classes[k].
        paths: where each picture is; those in an archive begin with its path.
        labels: (N,) int64.

    Raises:
        DataError: there is no such folder, it has no folders of classes, one of them has no pictures or is none of `classes`.
        ArgumentError: when a sample is asked for: the picture is damaged, has more than 100 million pixels, or Pillow is not installed.

    Example:
        >>> from PIL import Image
        >>> for name in ("blue", "red"):
        ...     Path("shades", name).mkdir(parents=True)
        ...     Image.new("RGB", (4, 2), name).save(f"shades/{name}/1.png")
        >>> shades = ImageFolder("shades")
        >>> image, label = shades[1]
        >>> shades.classes, image.shape, image[:, 0, 0].tolist(), label
        (('blue', 'red'), (3, 2, 4), [255, 0, 0], 1)
    """

    def __init__(self, folder: str | os.PathLike[str], *, classes: Sequence[str] | None = None) -> None:
        self.folder = Path(folder)
        self._archive = _archive_around(self.folder)
        found = _folders(self.folder, self._archive)
        self.classes = _classes(self.folder, found, classes)
        self.paths: list[str] = []
        labels: list[int] = []
        for name, files in found.items():
            pictures = [file for file in files if file.lower().endswith(SUFFIXES) and not file.startswith(".")]
            if not pictures:
                raise DataError(_no_pictures(self.folder, name, list(found)))
            self.paths.extend(str(self.folder / name / picture) for picture in pictures)
            labels.extend([self.classes.index(name)] * len(pictures))
        self.labels: Array = np.array(labels, np.int64)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Array, int]:
        try:
            path, label = self.paths[index], int(self.labels[index])
        except IndexError:
            raise no_sample(self, index) from None
        if self._archive is None:
            return read_picture(path), label
        return read_picture(path, io.BytesIO(self._archive.read(_name_in(self._archive, Path(path))))), label

    def __iter__(self) -> Iterator[tuple[Array, int]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"ImageFolder({str(self.folder)!r}: {len(self):,} pictures of {len(self.classes)} classes)"


def folder_with_parts(path: str | os.PathLike[str], part: str = "train") -> Path:
    """The folder, on disk or in an archive, that has the folder `part` in it: the path itself, or, as most archives are packed, the only folder in it.

    Raises:
        DataError: there is no such folder: says what is there instead.
    """
    path = Path(path)
    archive = _archive_around(path)
    found = _folders(path, archive)
    if part in found:
        return path
    inner = path / next(iter(found)) if len(found) == 1 else None
    if inner is not None and part in (deeper := _folders(inner, archive)):
        return inner
    if inner is not None:
        raise DataError(f"{path} has no folder {part} in it, and neither has the only folder there, {inner.name}: in that {_there_are(deeper)}; name the folder around {part}")
    names = "" if found or archive is None or not archive.places else f", and its files are named {listing(archive.places, 3)}"
    raise DataError(f"{path} has no folder {part} in it: there {_there_are(found)}{names}; name the folder around {part}")


def _there_are(folders: Iterable[str]) -> str:
    names = list(folders)
    return f"are {listing(names)}" if len(names) > 1 else f"is {names[0]}" if names else "are no folders"


def _folders(folder: Path, archive: TarFiles | None) -> dict[str, list[str]]:
    """Names of the folders in a folder, each with those of its files; hidden ones are left out, and what a Mac packs beside others."""
    found = _on_disk(folder) if archive is None else archive.folders(_name_in(archive, folder))
    return {name: files for name, files in found.items() if not name.startswith(".") and name != "__MACOSX"}


def _name_in(archive: TarFiles, path: Path) -> str:
    name = path.relative_to(archive.path).as_posix()
    return "" if name == "." else name


def _archive_around(folder: Path) -> TarFiles | None:
    """The archive that the path leads into: the first file on the way."""
    for path in (folder, *folder.parents):
        if path.is_file():
            return TarFiles(path)
    return None


def _on_disk(folder: Path) -> dict[str, list[str]]:
    try:
        return {path.name: sorted(file.name for file in path.iterdir()) for path in sorted(folder.iterdir()) if path.is_dir()}
    except FileNotFoundError:
        raise DataError(f"ImageFolder: there is no folder {folder}") from None
    except OSError as error:
        raise DataError(f"ImageFolder: {folder} cannot be read: {error.strerror or error}") from None


def _classes(folder: Path, found: dict[str, list[str]], given: Sequence[str] | None) -> tuple[str, ...]:
    if not found:
        raise DataError(f"ImageFolder: {folder} has no folders in it; it needs one for each class, with the pictures of that class: {folder}/cat/001.jpg")
    if given is None:
        return tuple(found)
    if unknown := sorted(found.keys() - set(given)):
        raise DataError(f"ImageFolder: {folder} has folders that are none of the {len(given)} classes: {listing(unknown)}")
    return tuple(given)


def _no_pictures(folder: Path, name: str, found: list[str]) -> str:
    hint = ""
    if set(found) & {"train", "test", "val", "valid"}:
        hint = f"; {listing(found)} look like parts of a dataset and not like classes: open one of them, {folder / found[-1]}"
    elif len(found) == 1:
        hint = f"; if it is the folder that holds the classes, open {folder / name}"
    return f"ImageFolder: the folder {folder / name} has no pictures in it ({', '.join(SUFFIXES)}){hint}"
