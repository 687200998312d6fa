"""Optimisers, which turn gradients into steps, schedules, which set their learning rates, and the scaling of losses for float16."""

from minicnn.optim.adam import Adam, AdamW
from minicnn.optim.clip import clip_grad_norm
from minicnn.optim.decay import CosineAnnealingLR, MultiStepLR, StepLR
from minicnn.optim.grad_scaler import GradScaler
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
    "GradScaler",
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
