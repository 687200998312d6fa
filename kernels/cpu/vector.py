"""A vector register for Numba: several numbers that the processor adds and multiplies at once.

A processor with AVX2 has sixteen registers of 32 bytes: eight float32, or four float64. A compiler uses them where it can prove that a loop
allows it; in the innermost loops of a convolution, where a factor of two hides in which numbers stay in registers, one wants to say so
oneself. With this file, compiled code can:

    a = broadcast(x, i)        # x[i] in every lane
    b = load(y, j)             # y[j], y[j + 1], ... one number a lane
    c = fma(a, b, c)           # a b + c in every lane, by one instruction
    store(z, j, c)             # back to memory

and `+`, `-`, `*` between vectors. Arrays are one-dimensional and contiguous, and their indices are *not checked*: a wrong one reads a stranger's
memory. So only kernels use vectors, and tests compare every such kernel with plain loops at awkward sizes.

How it works: Numba translates Python to the intermediate language of LLVM, which has a type `<8 x float>` and instructions on it. An
`@instruction` is a function whose LLVM instructions we write ourselves. Other processors have other registers (four float32 on ARM, sixteen on
AVX-512); LLVM splits ours to fit.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

REGISTER = 32  # bytes


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's `intrinsic`: `function` gets the types of the arguments, and returns a signature and what writes the LLVM instructions."""
    made: Callable[..., Any] = intrinsic(function)
    return made


class Vector(types.Type):  # type: ignore[misc]
    """The Numba type of a register's worth of numbers of type `dtype`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.lanes = dtype, REGISTER * 8 // dtype.bitwidth
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    """How LLVM sees a `Vector`: as `<8 x float>` or `<4 x double>`."""

    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.lanes))


@instruction
def lanes(typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    """Numbers in a vector of x's element type: 8 for float32, 4 for float64. A constant of the compiled code."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(types.intp, Vector(x.dtype).lanes)

    return types.intp(x), build


@instruction
def load(typing: Any, x: Any, i: Any) -> tuple[Any, Callable[..., Any]]:
    """x[i], x[i + 1], ... as a vector."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        loaded = builder.load(builder.bitcast(_address(context, builder, signature, arguments), vector.as_pointer()))
        loaded.align = x.dtype.bitwidth // 8  # no more than the array's own: any i will do
        return loaded

    return Vector(x.dtype)(x, i), build


@instruction
def store(typing: Any, x: Any, i: Any, v: Any) -> tuple[Any, Callable[..., Any]]:
    """x[i], x[i + 1], ... = v."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.bitcast(_address(context, builder, signature, arguments), arguments[2].type.as_pointer())
        builder.store(arguments[2], address).align = x.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(x, i, v), build


@instruction
def get(typing: Any, x: Any, i: Any) -> tuple[Any, Callable[..., Any]]:
    """x[i], a single number."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, signature, arguments))

    return x.dtype(x, i), build


@instruction
def put(typing: Any, x: Any, i: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    """x[i] = number, of x's own type."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _address(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.void(x, i, x.dtype), build


@instruction
def broadcast(typing: Any, x: Any, i: Any) -> tuple[Any, Callable[..., Any]]:
    """x[i] in every lane."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = builder.load(_address(context, builder, signature, arguments))
        return _in_every_lane(builder, number, context.get_value_type(signature.return_type))

    return Vector(x.dtype)(x, i), build


@instruction
def spread(typing: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    """A number in every lane."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _in_every_lane(builder, arguments[0], context.get_value_type(signature.return_type))

    return Vector(number)(number), build


@instruction
def fma(typing: Any, a: Any, b: Any, c: Any) -> tuple[Any, Callable[..., Any]]:
    """a b + c, rounded once: the instruction that a processor's peak is counted in."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        name = f"llvm.fma.v{a.lanes}f{a.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
        return builder.call(function, arguments)

    return a(a, b, c), build


@instruction
def clip(typing: Any, v: Any, low: Any, high: Any) -> tuple[Any, Callable[..., Any]]:
    """min(max(v, low), high) in every lane; a NaN stays one, for it is neither below nor above."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, low, high = arguments
        v = builder.select(builder.fcmp_ordered("<", v, low), low, v)
        return builder.select(builder.fcmp_ordered(">", v, high), high, v)

    return v(v, low, high), build


def _operator(symbol: Callable[..., Any], name: str) -> None:
    """Give vectors an operator: one LLVM instruction, which may be contracted with another into an fma."""

    @instruction
    def apply(typing: Any, a: Any, b: Any) -> tuple[Any, Callable[..., Any]]:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments, flags=("contract",))

        return a(a, b), build

    @overload(symbol)
    def of_vectors(a, b):  # type: ignore[no-untyped-def]  # Numba compares its signature with the lambda's
        if isinstance(a, Vector) and a == b:
            return lambda a, b: apply(a, b)
        return None


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where x[i] is: no check, and no counting from the end for a negative i, either of which would cost a branch."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [context.cast(builder, arguments[1], signature.args[1], types.intp)])


def _in_every_lane(builder: Any, number: Any, vector: Any) -> Any:
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count))
