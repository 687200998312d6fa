"""Differentiable operations on tensors, one family a file."""

from minicnn.autograd.operators import table
from minicnn.ops.activation import hardswish, leaky_relu, relu, relu6, sigmoid, silu, tanh
from minicnn.ops.adaptive_pool import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    global_avg_pool2d,
    global_max_pool2d,
)
from minicnn.ops.arithmetic import add, divide, multiply, negative, power, subtract
from minicnn.ops.batch_norm import batch_norm
from minicnn.ops.channel_shuffle import channel_shuffle
from minicnn.ops.comparison import equal, greater, greater_equal, less, less_equal, not_equal
from minicnn.ops.conv import conv2d
from minicnn.ops.dropout import drop_path, dropout, dropout2d
from minicnn.ops.dtype import astype
from minicnn.ops.elementwise import abs, clip, exp, log, maximum, minimum, sqrt, where
from minicnn.ops.group_norm import group_norm, instance_norm
from minicnn.ops.indexing import flip, getitem
from minicnn.ops.join import chunk, concatenate, split, stack
from minicnn.ops.layer_norm import layer_norm
from minicnn.ops.linear import linear
from minicnn.ops.local_response_norm import local_response_norm
from minicnn.ops.loss import cross_entropy, l1_loss, mse_loss, smooth_l1_loss
from minicnn.ops.matmul import matmul
from minicnn.ops.pad import pad
from minicnn.ops.pool import avg_pool2d, max_pool2d
from minicnn.ops.reduction import argmax, logsumexp, max, mean, min, std, sum, var
from minicnn.ops.roi import roi_align, roi_pool
from minicnn.ops.shape import broadcast_to, flatten, reshape, squeeze, transpose, unsqueeze
from minicnn.ops.softmax import log_softmax, softmax
from minicnn.ops.to import to

__all__ = [
    "conv2d",
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "global_avg_pool2d",
    "global_max_pool2d",
    "roi_pool",
    "roi_align",
    "linear",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "local_response_norm",
    "relu",
    "leaky_relu",
    "relu6",
    "sigmoid",
    "tanh",
    "silu",
    "hardswish",
    "softmax",
    "log_softmax",
    "dropout",
    "dropout2d",
    "drop_path",
    "cross_entropy",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "negative",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "abs",
    "exp",
    "log",
    "sqrt",
    "clip",
    "where",
    "maximum",
    "minimum",
    "astype",
    "to",
    "sum",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "logsumexp",
    "argmax",
    "matmul",
    "reshape",
    "flatten",
    "transpose",
    "squeeze",
    "unsqueeze",
    "broadcast_to",
    "getitem",
    "flip",
    "concatenate",
    "stack",
    "split",
    "chunk",
    "pad",
    "channel_shuffle",
]

# What the operators and methods of a tensor call (`minicnn.autograd.operators` is a floor below and cannot import it).
table.update(
    add=add,
    subtract=subtract,
    multiply=multiply,
    divide=divide,
    power=power,
    negative=negative,
    matmul=matmul,
    getitem=getitem,
    equal=equal,
    not_equal=not_equal,
    less=less,
    less_equal=less_equal,
    greater=greater,
    greater_equal=greater_equal,
    abs=abs,
    exp=exp,
    log=log,
    sqrt=sqrt,
    clip=clip,
    relu=relu,
    sigmoid=sigmoid,
    tanh=tanh,
    astype=astype,
    to=to,
    sum=sum,
    mean=mean,
    var=var,
    std=std,
    max=max,
    min=min,
    argmax=argmax,
    reshape=reshape,
    flatten=flatten,
    transpose=transpose,
    squeeze=squeeze,
    unsqueeze=unsqueeze,
)
