"""Layers: modules with parameters and modes, one family a file."""

from minicnn.nn import init
from minicnn.nn.activation import (
    Hardswish,
    LeakyReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Tanh,
)
from minicnn.nn.adaptive_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d, GlobalAvgPool2d, GlobalMaxPool2d
from minicnn.nn.batch_norm import BatchNorm1d, BatchNorm2d, EvalBeforeTrainingWarning
from minicnn.nn.channel_shuffle import ChannelShuffle
from minicnn.nn.container import ModuleList, Sequential
from minicnn.nn.conv import Conv2d, ConvReLU2d
from minicnn.nn.dropout import Dropout, Dropout2d, DropPath
from minicnn.nn.embedding import Embedding
from minicnn.nn.fuse import fuse
from minicnn.nn.group_norm import GroupNorm, InstanceNorm2d
from minicnn.nn.joined import norm_relu
from minicnn.nn.layer_norm import LayerNorm
from minicnn.nn.linear import Identity, Linear
from minicnn.nn.local_response_norm import LocalResponseNorm
from minicnn.nn.loss import CrossEntropyLoss, L1Loss, MSELoss, SmoothL1Loss
from minicnn.nn.module import Module
from minicnn.nn.parameter import Buffer, Parameter
from minicnn.nn.pool import AvgPool2d, MaxPool2d
from minicnn.nn.recurrent import LSTMCell, RNNCell
from minicnn.nn.roi import RoIAlign, RoIPool
from minicnn.nn.shape import Flatten
from minicnn.nn.softmax import LogSoftmax, Softmax

__all__ = [
    "Buffer",
    "ChannelShuffle",
    "Conv2d",
    "ConvReLU2d",
    "Module",
    "ModuleList",
    "Parameter",
    "Sequential",
    "init",
    "fuse",
    "norm_relu",
    "MaxPool2d",
    "AvgPool2d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
    "RoIPool",
    "RoIAlign",
    "Linear",
    "Embedding",
    "RNNCell",
    "LSTMCell",
    "Flatten",
    "Identity",
    "BatchNorm1d",
    "BatchNorm2d",
    "EvalBeforeTrainingWarning",
    "LayerNorm",
    "GroupNorm",
    "InstanceNorm2d",
    "LocalResponseNorm",
    "ReLU",
    "LeakyReLU",
    "ReLU6",
    "Sigmoid",
    "Tanh",
    "SiLU",
    "Hardswish",
    "Softmax",
    "LogSoftmax",
    "Dropout",
    "Dropout2d",
    "DropPath",
    "CrossEntropyLoss",
    "MSELoss",
    "L1Loss",
    "SmoothL1Loss",
]
