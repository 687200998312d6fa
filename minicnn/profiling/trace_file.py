"""A profile as a file in Chrome's trace event format (JSON): bars on a line of time, for Perfetto or chrome://tracing.

Source:
    "Trace Event Format", Google, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: a bar is a
    "complete event", ph "X", with its beginning `ts` and its length `dur` in microseconds.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicnn.io.atomic import write_atomically
from minicnn.profiling.record import ModuleCall, Record


def save_trace(path: Path, records: Sequence[Record], calls: Sequence[ModuleCall]) -> Path:
    """Write the file; returns its path.

    Raises:
        CheckpointError: it cannot be written.
    """
    text = json.dumps({"traceEvents": events(records, calls), "displayTimeUnit": "ms"})
    write_atomically(path, "trace", [text.encode()])
    return path


def events(records: Sequence[Record], calls: Sequence[ModuleCall]) -> list[dict[str, Any]]:
    """The name of the process, then the bars from left to right, an outer one before those inside it."""
    bars = [_bar(call, f"{call.path} {call.layer}".strip(), "module", {"path": call.path, "layer": call.layer}) for call in calls]
    bars += [_bar(record, record.op, record.phase, _details(record)) for record in records]
    bars.sort(key=lambda bar: (bar["ts"], -bar["dur"]))
    return [{"name": "process_name", "ph": "M", "pid": os.getpid(), "tid": 0, "args": {"name": "minicnn"}}, *bars]


def _bar(what: Record | ModuleCall, name: str, category: str, details: dict[str, Any]) -> dict[str, Any]:
    start, stop = (round(1e9 * seconds) for seconds in (what.start, what.start + what.seconds))  # so that inner bars stay inside
    times = {"ts": start / 1e3, "dur": (stop - start) / 1e3}
    return {"name": name, "cat": category, "ph": "X", **times, "pid": os.getpid(), "tid": what.thread, "args": details}


def _details(record: Record) -> dict[str, Any]:
    return {
        "path": record.path,
        "layer": record.layer,
        "phase": record.phase,
        "shape": record.shape,
        "input shapes": record.input_shapes,
        "multiply-adds": record.macs,
        "bytes": record.bytes,
    }
