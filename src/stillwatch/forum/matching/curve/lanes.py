"""Eight 64-bit integers as one value in compiled code: LLVM's ``<8 x i64>``.

On processors with AVX-512 IFMA a product of 52-bit integers is one instruction for all eight. Elsewhere LLVM lowers the
same operations to what there is, with equal results. No operation here branches or looks up memory by a lane's value.
"""

from typing import Any, Final

import numba
from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic as _intrinsic
from numba.extending import models, register_model

WIDTH: Final = 8
_WORD: Final = ir.IntType(64)
_VECTOR: Final = ir.VectorType(_WORD, WIDTH)
_WIDE: Final = ir.VectorType(ir.IntType(128), WIDTH)
_LOW_52: Final = (1 << 52) - 1


def intrinsic(function: Any) -> Any:
    """A function that writes LLVM's code itself; called, it takes one argument fewer than its definition."""
    return _intrinsic(function)


class LanesType(types.Type):
    """The type of one vector in numba's eyes."""

    def __init__(self) -> None:
        super().__init__(name="Lanes8x64")


_LANES: Final = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _has_ifma() -> bool:
    """Whether the code that numba makes in this process may use IFMA: its settings first, then the processor."""
    set_features, set_name = getattr(numba.config, "CPU_FEATURES", None), getattr(numba.config, "CPU_NAME", None)
    if set_features is not None:
        return "+avx512ifma" in set_features
    if set_name is not None:
        return False
    return bool(binding.get_host_cpu_features().get("avx512ifma", False))


IFMA: Final = _has_ifma()


def _same(value: int, kind: ir.VectorType = _VECTOR) -> ir.Constant:
    return ir.Constant(kind, [value] * WIDTH)


def _pairwise(operation: str) -> Any:
    """An operation of two vectors that LLVM has by this name."""

    @intrinsic
    def apply(_context: Any, x: Any, y: Any) -> Any:
        def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            return getattr(builder, operation)(*arguments)

        return _LANES(_LANES, _LANES), generate

    return apply


def _multiply_add(half: str) -> Any:
    """``total`` plus bits 0-51 (half ``l``) or 52-103 (``h``) of the product of the low 52 bits of x and y."""

    @intrinsic
    def apply(_context: Any, total: Any, x: Any, y: Any) -> Any:
        def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            if IFMA:
                signature = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
                name = f"llvm.x86.avx512.vpmadd52{half}.uq.512"
                function = cgutils.get_or_insert_function(builder.module, signature, name)  # type: ignore[no-untyped-call]
                return builder.call(function, arguments)
            factors = [builder.zext(builder.and_(v, _same(_LOW_52)), _WIDE) for v in arguments[1:]]
            product = builder.mul(*factors)
            if half == "h":
                product = builder.lshr(product, _same(52, _WIDE))
            return builder.add(arguments[0], builder.and_(builder.trunc(product, _VECTOR), _same(_LOW_52)))

        return _LANES(_LANES, _LANES, _LANES), generate

    return apply


def _by_constant(operation: str, value: int) -> Any:
    """An operation of a vector and a constant."""

    @intrinsic
    def apply(_context: Any, x: Any) -> Any:
        def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            return getattr(builder, operation)(arguments[0], _same(value))

        return _LANES(_LANES), generate

    return apply


add, subtract = _pairwise("add"), _pairwise("sub")
both, either, differ = _pairwise("and_"), _pairwise("or_"), _pairwise("xor")
low_product, high_product = _multiply_add("l"), _multiply_add("h")
invert_bits = _by_constant("xor", (1 << 64) - 1)


def right(bits: int) -> Any:
    """The operation that shifts every lane to the right, filling with zeros."""
    return _by_constant("lshr", bits)


def left(bits: int) -> Any:
    """The operation that shifts every lane to the left."""
    return _by_constant("shl", bits)


def keep(bits: int) -> Any:
    """The operation that keeps every lane's lowest bits."""
    return _by_constant("and_", (1 << bits) - 1)


@intrinsic
def equal(_context: Any, x: Any, y: Any) -> Any:
    """All bits of a lane set where the two are equal there, none elsewhere."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        return builder.sext(builder.icmp_unsigned("==", *arguments), _VECTOR)

    return _LANES(_LANES, _LANES), generate


@intrinsic
def splat(_context: Any, value: Any) -> Any:
    """The same unsigned integer in every lane."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        index = ir.IntType(32)
        first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), arguments[0], ir.Constant(index, 0))
        zeros = ir.Constant(ir.VectorType(index, WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), zeros)

    return _LANES(types.uint64), generate


@intrinsic
def load(_context: Any, address: Any) -> Any:
    """Eight consecutive 64-bit words of memory."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        words = builder.load(builder.inttoptr(arguments[0], _VECTOR.as_pointer()))
        words.align = 8
        return words

    return _LANES(types.uintp), generate


@intrinsic
def store(_context: Any, address: Any, value: Any) -> Any:
    """Write a vector to eight consecutive 64-bit words of memory."""

    def generate(context: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        written = builder.store(arguments[1], builder.inttoptr(arguments[0], _VECTOR.as_pointer()))
        written.align = 8
        return context.get_dummy_value()

    return types.void(types.uintp, _LANES), generate


@intrinsic
def transpose(_context: Any, rows: Any) -> Any:
    """Of eight vectors the eight that hold their first, second, ... lanes, by three rounds of exchanging halves."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = cgutils.unpack_tuple(builder, arguments[0], WIDTH)  # type: ignore[no-untyped-call]
        for step in (1, 2, 4):
            for i in (i for i in range(WIDTH) if not i & step):
                pair = vectors[i], vectors[i | step]
                low = [lane if not lane & step else WIDTH + (lane ^ step) for lane in range(WIDTH)]
                high = [lane | step if not lane & step else WIDTH + lane for lane in range(WIDTH)]
                vectors[i], vectors[i | step] = (
                    builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), chosen))
                    for chosen in (low, high)
                )
        return context.make_tuple(builder, signature.return_type, vectors)

    eight = types.UniTuple(_LANES, WIDTH)  # type: ignore[no-untyped-call]
    return eight(eight), generate
