"""What a search leaves in its folder: enough to go on after it was killed, and to come out the same as if it had not been."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io.atomic import write_atomically
from minicnn.search.strategy import Sample
from minicnn.train.run_folder import LOG, SAMPLES, RunFolder, cut_half_line, read_log

SETTINGS = "settings.json"
FREE = ("note",)  # of the settings, which may differ


class Record:
    """The samples of a search, line by line in a file.

        settings.json    all that decides on what is sampled, and on the rewards
        samples.jsonl    a line for each sample, in order, written as soon as it is known

    A strategy that is told the same rewards asks for the same architectures. So a search goes on by beginning anew, with the rewards that are written here in
    place of training; a line more or less makes no difference.

    Attributes:
        path: the folder, or None for a search that leaves nothing.
        before: samples of an earlier process.

    Example:
        >>> import tempfile
        >>> with opened(Path(tempfile.mkdtemp()), {"seed": 0}) as record:
        ...     record.add(Sample((1, 0), "1 0", 0.5))
        >>> with opened(record.path, {"seed": 0}) as record:
        ...     record.before[0].reward
        0.5
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.before: list[Sample] = [] if path is None else list(_read(path / SAMPLES))
        self.count = 0

    def known(self, number: int, string: str) -> Sample | None:
        """The sample of this number, if an earlier process has written it.

        Raises:
            ArgumentError: it is of another architecture.
        """
        if number >= len(self.before):
            return None
        sample = self.before[number]
        if sample.string != string:
            raise ArgumentError(
                f"the search in {self.path} cannot go on: its sample {number} is {sample.string!r}, but with the same rewards the strategy now asks for "
                f"{string!r}; another version of minicnn or NumPy has made it. Begin anew in another folder"
            )
        return sample

    def cut(self, count: int) -> None:
        """Forget all samples but the first ones: what came after the last state that was kept.

        Raises:
            CheckpointError: the file cannot be written.
        """
        assert self.path is not None
        self.before = self.before[:count]
        write_atomically(self.path / SAMPLES, "samples", [_line(sample).encode() for sample in self.before])

    def add(self, sample: Sample) -> None:
        """The next sample; written, unless it was read.

        Raises:
            CheckpointError: the file cannot be written.
        """
        self.count += 1
        if self.path is None or self.count <= len(self.before):
            return
        try:
            with (self.path / SAMPLES).open("a", encoding="utf-8") as file:
                file.write(_line(sample))
        except OSError as error:
            raise CheckpointError(f"the samples {self.path / SAMPLES} cannot be written: {error.strerror or error}") from None


@contextmanager
def opened(path: Path | None, settings: Mapping[str, Any]) -> Iterator[Record]:
    """The record of a search; inside, its folder belongs to this process alone.

    Args:
        path: a new or empty folder, or that of a search with the same settings, which goes on; None leaves nothing.
        settings: plain values.

    Raises:
        ArgumentError: the folder holds something else, a search with other settings, or one that is still going on; or it cannot be made.
        CheckpointError: a file cannot be written.
    """
    if path is None:
        yield Record()
        return
    path = Path(path)
    if not (path / SETTINGS).exists():
        RunFolder.new(path)
    with RunFolder(path).held():
        for part in path.glob(".*.part"):
            part.unlink()
        if (path / SETTINGS).exists():
            _check_same(path, json.loads(json.dumps(settings)))
            cut_half_line(path / SAMPLES)
        else:
            write_atomically(path / SETTINGS, "settings", [json.dumps(settings, indent=1).encode()])
        yield Record(path)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of the search in a folder.

    Raises:
        ArgumentError: there is none, or its settings are damaged.
    """
    try:
        settings = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
    except OSError:
        if (path / LOG).is_file():
            raise ArgumentError(f"no search at {path}, but a training run: minicnn train --resume {shlex.quote(str(path))}") from None
        raise ArgumentError(f"no search at {path}: it has no {SETTINGS}; `minicnn search --out {path}` begins one") from None
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise ArgumentError(f"the settings {path / SETTINGS} are damaged: they are no JSON")
    return settings


def _check_same(path: Path, settings: Mapping[str, Any]) -> None:
    differs = _first_difference(read_settings(path), settings)
    if differs is not None:
        name, there, here = differs
        why = "how many are sampled is decided at the beginning" if name in ("children", "batch") else "its samples would be of two kinds"
        raise ArgumentError(f"the search in {path} was begun with {name} = {there!r}, and cannot go on with {here!r}: {why}. Take another folder, or the same settings")


def _first_difference(there: Any, here: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """The first entry that differs, with its value in either; dots lead into dicts."""
    if not (isinstance(there, Mapping) and isinstance(here, Mapping)):
        return None if there == here else (name, there, here)
    for key in [*there, *(key for key in here if key not in there)]:
        if not name and key in FREE:
            continue
        found = _first_difference(there.get(key), here.get(key), f"{name}.{key}" if name else key)
        if found is not None:
            return found
    return None


def _line(sample: Sample) -> str:
    return json.dumps(dataclasses.asdict(sample), allow_nan=False) + "\n"


def _read(path: Path) -> Iterator[Sample]:
    if not path.exists():
        return
    for number, line in enumerate(read_log(path), 1):
        try:
            sample: Sample | None = Sample(**{**line, "choices": tuple(line["choices"])})
        except (TypeError, KeyError):
            sample = None
        if sample is None or not _is_possible(sample):
            raise ArgumentError(f"the samples {path} are damaged: line {number} is none")
        yield sample


def _is_possible(sample: Sample) -> bool:
    """Are its entries what a search writes?"""
    counts = [*sample.choices, sample.parameters, sample.steps]
    texts = [sample.string, "" if sample.error is None else sample.error]
    return (
        all(checks.is_integer(count) and count >= 0 for count in counts)
        and all(isinstance(text, str) for text in texts)
        and isinstance(sample.new, bool)
        and checks.is_number(sample.reward)
        and 0 <= sample.reward <= 1
        and checks.is_number(sample.seconds)
    )
