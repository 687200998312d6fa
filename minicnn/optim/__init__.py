"""Optimisers, which turn gradients into steps, and schedules, which set their learning rates."""

from minicnn.optim.adam import Adam, AdamW
from minicnn.optim.clip import clip_grad_norm
from minicnn.optim.decay import CosineAnnealingLR, MultiStepLR, StepLR
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.plateau import ReduceLROnPlateau
from minicnn.optim.rmsprop import RMSprop
from minicnn.optim.schedule import Schedule
from minicnn.optim.sgd import SGD
from minicnn.optim.warmup import LinearWarmup, OneCycleLR

__all__ = [
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "LinearWarmup",
    "MultiStepLR",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "SGD",
    "Schedule",
    "StepLR",
    "clip_grad_norm",
]
