"""Training: the loop, the recipe of a run, its folder, its progress and its curve."""

from minicnn.train.compile_step import compile_step
from minicnn.train.interrupt import between_steps
from minicnn.train.metrics import Metrics
from minicnn.train.recipe import Recipe
from minicnn.train.run import Outcome, run_recipe
from minicnn.train.run_folder import RunFolder, read_log
from minicnn.train.trainer import Epoch, Trainer, evaluate

__all__ = ["Epoch", "Metrics", "Outcome", "Recipe", "RunFolder", "Trainer", "between_steps", "compile_step", "evaluate", "read_log", "run_recipe"]
