"""The rows of a benchmark on a GPU, in a process that is replaced if it dies. Called by `gpu_session.py bench`.

The child measures row after row and says what it has found as lines of JSON. If it crashes, loses the GPU, or takes too long for a row, what is known of that row
is kept, and a new child goes on with the next. After each row the whole JSON file is written.
"""

import functools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
END = None  # of a child's lines


def child(rows: list[dict[str, Any]], settings: dict[str, Any], against_torch: bool, layouts: list[str]) -> int:
    """Measure; lines of JSON."""
    from minicnn.bench import gpu
    from minicnn.bench.gpu.contest import heat_as_dict
    from minicnn.errors import BackendError

    def say(**line: Any) -> None:
        print(json.dumps(line), flush=True)

    trouble: list[str] = []

    def done(number: int, result: gpu.Result) -> None:
        say(done=number, result=result.as_dict())
        trouble.extend(filter(None, [result.error, *(each.error for each in (*result.heats, *result.finals))]))

    entrants = gpu.entrants(against_torch, layouts)
    say(machine=gpu.machine())
    for number, row in enumerate(map(gpu.GpuRow.from_dict, rows)):
        say(start=number)
        session = gpu.Session(
            entrants,
            **settings,
            about={},
            on_heat=lambda row, heat: say(heat=heat_as_dict(heat, row.workload.batch_size, row.precision)),
            on_row=functools.partial(done, number),
        )
        try:
            session.run([row])
        except BackendError as error:
            print(error, file=sys.stderr)
            return 3
        if trouble:  # an error may hold on to memory, or have spoilt the context: the next row gets a new process
            print("; ".join(trouble), file=sys.stderr)
            return 4
    return 0


class Parent:
    """Starts children, follows them, and keeps what they find.

    Args:
        rows: as dictionaries.
        settings: of `Session`.
        path: the JSON file.
        deadline: of `time.perf_counter`.
        row_limit: seconds for one row.
        command: what starts a child, for tests.
    """

    def __init__(
        self, rows: Sequence[dict[str, Any]], settings: dict[str, Any], path: Path, deadline: float, row_limit: float,
        *, against_torch: bool = True, layouts: Sequence[str] = ("contiguous", "channels-last"), command: Sequence[str] = (sys.executable, str(HERE / "gpu_bench.py")),
    ) -> None:  # fmt: skip
        self.rows, self.settings, self.path, self.deadline, self.row_limit = list(rows), settings, path, deadline, row_limit
        self.against_torch, self.layouts, self.command = against_torch, list(layouts), list(command)
        self.complaints = Path(tempfile.mkdtemp()) / "bench.err"
        self.found: dict[str, Any] = {"machine": {}, "settings": settings, "rows": []}

    def run(self) -> dict[str, Any]:
        """All rows, or as many as the time allows."""
        from minicnn.bench.gpu import report

        print("\n".join(report.head()), flush=True)
        first = 0
        while first < len(self.rows) and time.perf_counter() < self.deadline:
            reached = self._follow(first)
            first = reached + 1
        left = len(self.rows) - len(self.found["rows"])
        print("\n".join(["", *([f"{left} rows not measured: the time was over"] if left else []), *report.NOTES]), flush=True)
        if self.found["machine"]:
            print(report.machine_line(self.found["machine"]), flush=True)
        return self.found

    def _follow(self, first: int) -> int:
        """One child, for the rows from `first` on; returns the number of the last row that it dealt with."""
        task = json.dumps({"rows": self.rows[first:], "settings": self.settings, "against_torch": self.against_torch, "layouts": self.layouts})
        with self.complaints.open("a") as err:
            process = subprocess.Popen([*self.command, task], stdout=subprocess.PIPE, stderr=err, text=True, env=self._environment())
        lines: queue.Queue[Any] = queue.Queue()
        reader = threading.Thread(target=self._read, args=(process, lines))
        reader.start()
        current, heats, begun, why = first, [], time.perf_counter(), ""
        while True:
            left = min(self.deadline, begun + self.row_limit) - time.perf_counter()
            try:
                line = lines.get(timeout=max(0.05, left))
            except queue.Empty:
                process.kill()
                why = "stopped: it took too long" if time.perf_counter() < self.deadline else "stopped: the time was over"
                break
            if line is END:
                why = "" if process.wait() == 0 else f"the process ended with {process.returncode}: {self._last_words()}"
                break
            self.found["machine"] = line.get("machine", self.found["machine"])
            if "start" in line:
                current, heats, begun = first + line["start"], [], time.perf_counter()
            if "heat" in line:
                heats.append(line["heat"])
            if "done" in line:
                self._enter(line["result"])
        reader.join(timeout=10)
        process.wait()
        done = len(self.found["rows"]) > current
        if why and not done:
            self._enter({**self.rows[current], "error": why, "heats": heats, "finals": []})
        return current

    def _enter(self, row: dict[str, Any]) -> None:
        from minicnn.bench.gpu import report

        self.found["rows"].append(row)
        self.path.write_text(json.dumps(self.found, indent=1) + "\n")
        print(report.line(row), flush=True)

    def _last_words(self) -> str:
        return " ".join(self.complaints.read_text(errors="replace").split())[-400:]

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: "queue.Queue[Any]") -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for text in stream:
                try:
                    line = json.loads(text)
                except ValueError:
                    continue  # something that a library has printed
                if isinstance(line, dict):
                    lines.put(line)
        lines.put(END)

    @staticmethod
    def _environment() -> dict[str, str]:
        path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    code = child(**json.loads(sys.argv[1]))
    sys.stdout.flush()
    os._exit(code)  # a lost context can make the interpreter hang at its end
