"""Says once, not a thousand times, why the comparisons with PyTorch were skipped."""


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("could not import 'torch'" in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(f"{count} comparisons with PyTorch not run: pip install torch==2.13.0", yellow=True)
