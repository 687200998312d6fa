"""Training: the loop and who listens to it, the recipe of a run, its folder, its progress and its curve."""

from minicnn.train.average import WeightAverage
from minicnn.train.callback import Callback, EarlyStopping, StopWhen
from minicnn.train.compile_step import compile_step
from minicnn.train.epoch import Epoch
from minicnn.train.evaluation import evaluate
from minicnn.train.interrupt import between_steps
from minicnn.train.metrics import Metrics
from minicnn.train.recipe import Recipe
from minicnn.train.recipe_file import list_recipes, read_recipe
from minicnn.train.resume import resume
from minicnn.train.run import Outcome, run_recipe
from minicnn.train.run_folder import RunFolder, read_log
from minicnn.train.trainer import Trainer

__all__ = [
    "Callback",
    "EarlyStopping",
    "Epoch",
    "Metrics",
    "Outcome",
    "Recipe",
    "RunFolder",
    "StopWhen",
    "Trainer",
    "WeightAverage",
    "between_steps",
    "compile_step",
    "evaluate",
    "list_recipes",
    "read_log",
    "read_recipe",
    "resume",
    "run_recipe",
]
