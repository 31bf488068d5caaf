"""Integers modulo p = 2^255 - 19, eight at a time: five limbs of 51 bits, each a vector.

Between operations every limb stays below 2^51 + 2^18, hence below the 52 bits that a product takes. Nothing here
branches or reads memory by the values, so nothing here tells them by its time. The limbs and the doubled high halves
follow the usual IFMA layout (Gueron and Krasnov 2016; curve25519-dalek's IFMA backend).
"""

from typing import Any, Final

import numpy as np

from stillwatch.forum.matching.curve.jit import part
from stillwatch.forum.matching.curve.lanes import (
    add as plus,
)
from stillwatch.forum.matching.curve.lanes import (
    both,
    either,
    equal,
    high_product,
    invert_bits,
    keep,
    left,
    load,
    low_product,
    right,
    splat,
    store,
    subtract,
)

P: Final = 2**255 - 19
LIMBS: Final = 5
Element = Any  # in signatures: five vectors

_low51, _carry51 = keep(51), right(51)
_twice, _times16 = left(1), left(4)
_bit = keep(1)
# 4p in limbs: added before a subtraction, it keeps every limb from falling below zero.
_SPARE_0: Final = np.uint64(4 * (2**51 - 19))
_SPARE: Final = np.uint64(4 * (2**51 - 1))


def limbs(value: int) -> tuple[np.uint64, ...]:
    """An integer modulo p as the five limbs of a constant."""
    value %= P
    return tuple(np.uint64((value >> (51 * i)) & (2**51 - 1)) for i in range(LIMBS))


@part
def _times19(x: Element) -> Element:
    return plus(plus(_times16(x), _twice(x)), x)


@part
def carry(x: Element) -> Element:
    """Bring limbs of up to 64 bits below 2^51 + 2^18, of up to 60 bits below 2^51 + 2^14."""
    x0, x1, x2, x3, x4 = x
    return (
        plus(_low51(x0), _times19(_carry51(x4))),
        plus(_low51(x1), _carry51(x0)),
        plus(_low51(x2), _carry51(x1)),
        plus(_low51(x3), _carry51(x2)),
        plus(_low51(x4), _carry51(x3)),
    )


@part
def constant(value: Any) -> Element:
    """The same element (five integers, see ``limbs``) in every lane."""
    return (splat(value[0]), splat(value[1]), splat(value[2]), splat(value[3]), splat(value[4]))


@part
def add(x: Element, y: Element) -> Element:
    """X + y."""
    return carry((plus(x[0], y[0]), plus(x[1], y[1]), plus(x[2], y[2]), plus(x[3], y[3]), plus(x[4], y[4])))


@part
def sub(x: Element, y: Element) -> Element:
    """X - y."""
    first, rest = splat(_SPARE_0), splat(_SPARE)
    return carry(
        (
            subtract(plus(x[0], first), y[0]),
            subtract(plus(x[1], rest), y[1]),
            subtract(plus(x[2], rest), y[2]),
            subtract(plus(x[3], rest), y[3]),
            subtract(plus(x[4], rest), y[4]),
        )
    )


@part
def negate(x: Element) -> Element:
    """-x."""
    none = splat(np.uint64(0))
    return sub((none, none, none, none, none), x)


@part
def _fold(low: Any, high: Any) -> Element:
    """The column sums of a product, modulo p: 2^255 is 19, and a high half weighs twice the next column."""
    return carry(
        (
            plus(low[0], _times19(plus(low[5], _twice(high[4])))),
            plus(plus(low[1], _twice(high[0])), _times19(plus(low[6], _twice(high[5])))),
            plus(plus(low[2], _twice(high[1])), _times19(plus(low[7], _twice(high[6])))),
            plus(plus(low[3], _twice(high[2])), _times19(plus(low[8], _twice(high[7])))),
            plus(plus(low[4], _twice(high[3])), _times19(_twice(high[8]))),
        )
    )


@part
def mul(x: Element, y: Element) -> Element:
    """x·y."""
    x0, x1, x2, x3, x4 = x
    y0, y1, y2, y3, y4 = y
    none = splat(np.uint64(0))
    low0 = low_product(none, x0, y0)
    low1 = low_product(none, x0, y1)
    low1 = low_product(low1, x1, y0)
    low2 = low_product(none, x0, y2)
    low2 = low_product(low2, x1, y1)
    low2 = low_product(low2, x2, y0)
    low3 = low_product(none, x0, y3)
    low3 = low_product(low3, x1, y2)
    low3 = low_product(low3, x2, y1)
    low3 = low_product(low3, x3, y0)
    low4 = low_product(none, x0, y4)
    low4 = low_product(low4, x1, y3)
    low4 = low_product(low4, x2, y2)
    low4 = low_product(low4, x3, y1)
    low4 = low_product(low4, x4, y0)
    low5 = low_product(none, x1, y4)
    low5 = low_product(low5, x2, y3)
    low5 = low_product(low5, x3, y2)
    low5 = low_product(low5, x4, y1)
    low6 = low_product(none, x2, y4)
    low6 = low_product(low6, x3, y3)
    low6 = low_product(low6, x4, y2)
    low7 = low_product(none, x3, y4)
    low7 = low_product(low7, x4, y3)
    low8 = low_product(none, x4, y4)
    high0 = high_product(none, x0, y0)
    high1 = high_product(none, x0, y1)
    high1 = high_product(high1, x1, y0)
    high2 = high_product(none, x0, y2)
    high2 = high_product(high2, x1, y1)
    high2 = high_product(high2, x2, y0)
    high3 = high_product(none, x0, y3)
    high3 = high_product(high3, x1, y2)
    high3 = high_product(high3, x2, y1)
    high3 = high_product(high3, x3, y0)
    high4 = high_product(none, x0, y4)
    high4 = high_product(high4, x1, y3)
    high4 = high_product(high4, x2, y2)
    high4 = high_product(high4, x3, y1)
    high4 = high_product(high4, x4, y0)
    high5 = high_product(none, x1, y4)
    high5 = high_product(high5, x2, y3)
    high5 = high_product(high5, x3, y2)
    high5 = high_product(high5, x4, y1)
    high6 = high_product(none, x2, y4)
    high6 = high_product(high6, x3, y3)
    high6 = high_product(high6, x4, y2)
    high7 = high_product(none, x3, y4)
    high7 = high_product(high7, x4, y3)
    high8 = high_product(none, x4, y4)
    return _fold(
        (low0, low1, low2, low3, low4, low5, low6, low7, low8),
        (high0, high1, high2, high3, high4, high5, high6, high7, high8),
    )


@part
def square(x: Element) -> Element:
    """x², with each mixed product made once and doubled."""
    x0, x1, x2, x3, x4 = x
    none = splat(np.uint64(0))
    low0 = low_product(none, x0, x0)
    low1 = _twice(low_product(none, x0, x1))
    low2 = low_product(_twice(low_product(none, x0, x2)), x1, x1)
    low3 = _twice(low_product(low_product(none, x0, x3), x1, x2))
    low4 = low_product(_twice(low_product(low_product(none, x0, x4), x1, x3)), x2, x2)
    low5 = _twice(low_product(low_product(none, x1, x4), x2, x3))
    low6 = low_product(_twice(low_product(none, x2, x4)), x3, x3)
    low7 = _twice(low_product(none, x3, x4))
    low8 = low_product(none, x4, x4)
    high0 = high_product(none, x0, x0)
    high1 = _twice(high_product(none, x0, x1))
    high2 = high_product(_twice(high_product(none, x0, x2)), x1, x1)
    high3 = _twice(high_product(high_product(none, x0, x3), x1, x2))
    high4 = high_product(_twice(high_product(high_product(none, x0, x4), x1, x3)), x2, x2)
    high5 = _twice(high_product(high_product(none, x1, x4), x2, x3))
    high6 = high_product(_twice(high_product(none, x2, x4)), x3, x3)
    high7 = _twice(high_product(none, x3, x4))
    high8 = high_product(none, x4, x4)
    return _fold(
        (low0, low1, low2, low3, low4, low5, low6, low7, low8),
        (high0, high1, high2, high3, high4, high5, high6, high7, high8),
    )


@part
def squarings(x: Element, count: int) -> Element:
    """x^(2^count)."""
    for _ in range(count):
        x = square(x)
    return x


@part
def _power_250(x: Element) -> tuple[Element, Element]:
    """x^(2^250 - 1) and x^11, by the usual addition chain."""
    x2 = square(x)
    x9 = mul(squarings(x2, 2), x)
    x11 = mul(x9, x2)
    e5 = mul(square(x11), x9)  # 2^5 - 1
    e10 = mul(squarings(e5, 5), e5)
    e20 = mul(squarings(e10, 10), e10)
    e40 = mul(squarings(e20, 20), e20)
    e50 = mul(squarings(e40, 10), e10)
    e100 = mul(squarings(e50, 50), e50)
    e200 = mul(squarings(e100, 100), e100)
    return mul(squarings(e200, 50), e50), x11


@part
def inverse(x: Element) -> Element:
    """1/x, and 0 for 0."""
    power, x11 = _power_250(x)
    return mul(squarings(power, 5), x11)


@part
def power_p58(x: Element) -> Element:
    """x^((p - 5)/8)."""
    power, _ = _power_250(x)
    return mul(squarings(power, 2), x)


@part
def canonical(x: Element) -> Element:
    """The one representative below p, all limbs below 2^51."""
    x0, x1, x2, x3, x4 = carry(x)
    # The quotient by p of x + 19, which is 1 exactly where x is p or more.
    over = _carry51(plus(x0, splat(np.uint64(19))))
    over = _carry51(plus(x1, over))
    over = _carry51(plus(x2, over))
    over = _carry51(plus(x3, over))
    over = _carry51(plus(x4, over))
    x0 = plus(x0, _times19(over))
    x1 = plus(x1, _carry51(x0))
    x2 = plus(x2, _carry51(x1))
    x3 = plus(x3, _carry51(x2))
    x4 = plus(x4, _carry51(x3))
    return (_low51(x0), _low51(x1), _low51(x2), _low51(x3), _low51(x4))


@part
def is_zero(x: Element) -> Any:
    """A mask: all bits of a lane set where x is 0 there."""
    x0, x1, x2, x3, x4 = canonical(x)
    return equal(either(either(either(x0, x1), either(x2, x3)), x4), splat(np.uint64(0)))


@part
def is_negative(x: Element) -> Any:
    """A mask: where the least representative is odd (RFC 9496, section 3.1)."""
    return equal(_bit(canonical(x)[0]), splat(np.uint64(1)))


@part
def _choose_limb(mask: Any, x: Any, y: Any) -> Any:
    return either(both(mask, x), both(invert_bits(mask), y))


@part
def choose(mask: Any, x: Element, y: Element) -> Element:
    """X where the mask is set, y elsewhere."""
    return (
        _choose_limb(mask, x[0], y[0]),
        _choose_limb(mask, x[1], y[1]),
        _choose_limb(mask, x[2], y[2]),
        _choose_limb(mask, x[3], y[3]),
        _choose_limb(mask, x[4], y[4]),
    )


@part
def absolute(x: Element) -> Element:
    """X or -x, whichever is not negative."""
    return choose(is_negative(x), negate(x), x)


@part
def read(address: int) -> Element:
    """An element from 320 bytes of memory: limb by limb, eight lanes each."""
    return (load(address), load(address + 64), load(address + 128), load(address + 192), load(address + 256))


@part
def write(address: int, x: Element) -> None:
    """An element to 320 bytes of memory."""
    store(address, x[0])
    store(address + 64, x[1])
    store(address + 128, x[2])
    store(address + 192, x[3])
    store(address + 256, x[4])
