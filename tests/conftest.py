"""Prepares every run of the tests: Ctrl-C, threads where several processes share the machine; and one line about what was skipped."""

import os
import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for a shell's background jobs: tests of Ctrl-C would wait for nothing
    signal.signal(signal.SIGINT, signal.default_int_handler)
if "PYTEST_XDIST_WORKER" in os.environ:  # `pytest -n`: each process is a thread already
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_terminal_summary(terminalreporter):
    """Say once, not a thousand times, why the comparisons with PyTorch were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("could not import 'torch'" in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(f"{count} comparisons with PyTorch not run: pip install torch==2.13.0", yellow=True)
