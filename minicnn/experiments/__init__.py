"""Claims of the lecture, tried out: each experiment is a file with a function `run`, and a page in docs/experiments."""

from minicnn.experiments.experiment import EXPERIMENTS, Finding, Report, Settings, run_experiment

__all__ = ["EXPERIMENTS", "Finding", "Report", "Settings", "run_experiment"]
