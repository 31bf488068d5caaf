"""Edwards points in extended coordinates, and their ristretto255 encoding (RFC 9496), eight at a time.

A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z on -x² + y² = 1 + dx²y² (Hisil, Wong, Carter, Dawson 2008, whose
addition is complete here). A point to be added is kept as (Y+X, Y-X, 2Z, 2dT).
"""

from typing import Any, Final

import numpy as np

from stillwatch.forum.matching.curve.field import (
    P,
    absolute,
    add,
    canonical,
    choose,
    constant,
    is_negative,
    is_zero,
    limbs,
    mul,
    negate,
    power_p58,
    square,
    sub,
)
from stillwatch.forum.matching.curve.jit import part
from stillwatch.forum.matching.curve.lanes import both, either, equal, invert_bits, keep, left, right, splat

Point = Any  # in signatures: four field elements

_D_INTEGER: Final = -121665 * pow(121666, -1, P) % P
_I_INTEGER: Final = pow(2, (P - 1) // 4, P)


def _root(value: int) -> int:
    """The square root of a square, the even one or the odd one as it comes; callers fix the sign."""
    root = pow(value, (P + 3) // 8, P)
    return root if root * root % P == value % P else root * _I_INTEGER % P


def _signed_root(value: int, odd: bool) -> int:
    root = _root(value)
    return root if root % 2 == odd else P - root


_ONE: Final = limbs(1)
_D: Final = limbs(_D_INTEGER)
_TWICE_D: Final = limbs(2 * _D_INTEGER)
_ROOT_M1: Final = limbs(_signed_root(-1 % P, odd=False))
_ROOT_AD_M1: Final = limbs(_signed_root((-_D_INTEGER - 1) % P, odd=True))
_INVERSE_ROOT_A_MINUS_D: Final = limbs(_signed_root(pow(-1 - _D_INTEGER, -1, P), odd=False))
_ONE_MINUS_D_SQUARED: Final = limbs(1 - _D_INTEGER**2)
_D_MINUS_ONE_SQUARED: Final = limbs((_D_INTEGER - 1) ** 2)

_low51 = keep(51)
_left13, _left26, _left39 = left(13), left(26), left(39)
_right12, _right25, _right38 = right(12), right(25), right(38)
_right13, _right26, _right39, _right51 = right(13), right(26), right(39), right(51)
_left12, _left25, _left38, _left51 = left(12), left(25), left(38), left(51)
_low63 = keep(63)


@part
def neutral() -> Point:
    """The identity in every lane."""
    none = splat(np.uint64(0))
    zero, one = (none, none, none, none, none), constant(_ONE)
    return (zero, one, one, zero)


@part
def prepare(p: Point) -> Point:
    """A point in the form in which it is added."""
    x, y, z, t = p
    return (add(y, x), sub(y, x), add(z, z), mul(t, constant(_TWICE_D)))


@part
def prepare_affine(p: Point) -> Any:
    """A point whose Z is 1 in the form in which ``add_affine`` takes it."""
    x, y, _, t = p
    return (add(y, x), sub(y, x), mul(t, constant(_TWICE_D)))


@part
def add_prepared(p: Point, q: Point) -> Point:
    """P + q, q prepared."""
    x, y, z, t = p
    a = mul(sub(y, x), q[1])
    b = mul(add(y, x), q[0])
    c = mul(t, q[3])
    d = mul(z, q[2])
    e, f, g, h = sub(b, a), sub(d, c), add(d, c), add(b, a)
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@part
def add_affine(p: Point, q: Any) -> Point:
    """P + q, q as (y+x, y-x, 2dxy) of affine coordinates."""
    x, y, z, t = p
    a = mul(sub(y, x), q[1])
    b = mul(add(y, x), q[0])
    c = mul(t, q[2])
    d = add(z, z)
    e, f, g, h = sub(b, a), sub(d, c), add(d, c), add(b, a)
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@part
def double(p: Point) -> Point:
    """2p."""
    x, y, z, _ = p
    a, b, c = square(x), square(y), square(z)
    h = add(a, b)
    e, g = sub(h, square(add(x, y))), sub(a, b)
    f = add(add(c, c), g)
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@part
def times16(p: Point) -> Point:
    """16p; doubling does not read T, so that only the last one makes it."""
    x, y, z, _ = p
    for _ in range(3):
        a, b, c = square(x), square(y), square(z)
        h = add(a, b)
        e, g = sub(h, square(add(x, y))), sub(a, b)
        f = add(add(c, c), g)
        x, y, z = mul(e, f), mul(g, h), mul(f, g)
    return double((x, y, z, p[3]))


@part
def opposite(p: Point) -> Point:
    """-p."""
    return (negate(p[0]), p[1], p[2], negate(p[3]))


@part
def root_of_ratio(u: Any, v: Any) -> tuple[Any, Any]:
    """SQRT_RATIO_M1 of RFC 9496, section 4.2: a mask of where u/v is a square, and the non-negative root."""
    v3 = mul(square(v), v)
    v7 = mul(square(v3), v)
    r = mul(mul(u, v3), power_p58(mul(u, v7)))
    check = mul(v, square(r))
    i = constant(_ROOT_M1)
    minus_u = negate(u)
    right_sign = is_zero(sub(check, u))
    flipped = is_zero(sub(check, minus_u))
    flipped_i = is_zero(sub(check, mul(minus_u, i)))
    r = choose(either(flipped, flipped_i), mul(r, i), r)
    return either(right_sign, flipped), absolute(r)


@part
def from_words(words: Any) -> Any:
    """A field element from its 32 bytes as four words; bit 255 is left out."""
    w0, w1, w2, w3 = words
    return (
        _low51(w0),
        _low51(either(_right51(w0), _left13(w1))),
        _low51(either(_right38(w1), _left26(w2))),
        _low51(either(_right25(w2), _left39(w3))),
        _right12(_low63(w3)),
    )


@part
def to_words(x: Any) -> Any:
    """The 32 bytes of a field element as four words of little-endian order."""
    x0, x1, x2, x3, x4 = canonical(x)
    return (
        either(x0, _left51(x1)),
        either(_right13(x1), _left38(x2)),
        either(_right26(x2), _left25(x3)),
        either(_right39(x3), _left12(x4)),
    )


@part
def decode(words: Any) -> tuple[Point, Any]:
    """Points from their encodings, and a mask of where these are valid (RFC 9496, section 4.3.1).

    The identity decodes; callers that must refuse it do so by its bytes, all zero.
    """
    s = from_words(words)
    again = to_words(s)
    same = both(
        both(equal(again[0], words[0]), equal(again[1], words[1])),
        both(equal(again[2], words[2]), equal(again[3], words[3])),
    )
    one, ss = constant(_ONE), square(s)
    u1, u2 = sub(one, ss), add(one, ss)
    u2_squared = square(u2)
    v = sub(negate(mul(constant(_D), square(u1))), u2_squared)
    was_square, inverse_root = root_of_ratio(one, mul(v, u2_squared))
    den_x = mul(inverse_root, u2)
    den_y = mul(mul(inverse_root, den_x), v)
    x = absolute(mul(add(s, s), den_x))
    y = mul(u1, den_y)
    t = mul(x, y)
    wrong = either(either(is_negative(s), is_negative(t)), is_zero(y))
    return (x, y, one, t), both(both(same, was_square), invert_bits(wrong))


@part
def encode(p: Point) -> Any:
    """The encoding as four words (RFC 9496, section 4.3.2)."""
    x, y, z, t = p
    u1, u2 = mul(add(z, y), sub(z, y)), mul(x, y)
    _, inverse_root = root_of_ratio(constant(_ONE), mul(u1, square(u2)))
    den1, den2 = mul(inverse_root, u1), mul(inverse_root, u2)
    z_inverse = mul(mul(den1, den2), t)
    i = constant(_ROOT_M1)
    rotate = is_negative(mul(t, z_inverse))
    x, y, den = (
        choose(rotate, mul(y, i), x),
        choose(rotate, mul(x, i), y),
        choose(rotate, mul(den1, constant(_INVERSE_ROOT_A_MINUS_D)), den2),
    )
    y = choose(is_negative(mul(x, z_inverse)), negate(y), y)
    return to_words(absolute(mul(den, sub(z, y))))


@part
def map_to_point(t: Any) -> Point:
    """MAP of RFC 9496, section 4.3.4: the Elligator map of a field element."""
    one, d = constant(_ONE), constant(_D)
    r = mul(constant(_ROOT_M1), square(t))
    u = mul(add(r, one), constant(_ONE_MINUS_D_SQUARED))
    v = mul(negate(add(one, mul(r, d))), add(r, d))
    was_square, s = root_of_ratio(u, v)
    s = choose(was_square, s, negate(absolute(mul(s, t))))
    c = choose(was_square, negate(one), r)
    n = sub(mul(mul(c, sub(r, one)), constant(_D_MINUS_ONE_SQUARED)), v)
    s2 = square(s)
    w0, w1 = mul(add(s, s), v), mul(n, constant(_ROOT_AD_M1))
    w2, w3 = sub(one, s2), add(one, s2)
    return (mul(w0, w3), mul(w2, w1), mul(w1, w3), mul(w0, w2))
