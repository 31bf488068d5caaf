"""The kernels beside libsodium, Python's integers and hashlib, byte for byte."""

import hashlib
import hmac
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.matching import group
from stillwatch.forum.matching.curve import batch, kernels, scalars
from stillwatch.forum.matching.curve.batch import Packed
from stillwatch.forum.matching.errors import ElementError

SCALAR = st.one_of(
    st.sampled_from([0, 1, 2, 7, 8, 9, 15, 16, group.ORDER - 1, group.ORDER - 8, 2**252 - 1, 8 * (16**63 - 1) // 15]),
    st.integers(0, group.ORDER - 1),
)
COUNT = st.integers(1, 19)


def element(number: int) -> bytes:
    return group.from_uniform(hashlib.sha512(b"%d" % number).digest())


def packed(values: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)


def listed(rows: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in rows]


def le(value: int) -> bytes:
    return value.to_bytes(32, "little")


@settings(max_examples=40, deadline=None)
@given(scalar=SCALAR, count=COUNT, start=st.integers(0, 2**40))
def test_multiples_are_libsodiums(scalar: int, count: int, start: int) -> None:
    values = [element(start + i) for i in range(count)]
    assert listed(batch.multiply(le(scalar), batch.decode(packed(values)))) == [
        group.multiply(le(scalar), value) for value in values
    ]


@settings(max_examples=40, deadline=None)
@given(masks=st.lists(SCALAR, min_size=1, max_size=19), seed=st.binary(max_size=8))
def test_hashing_and_masks_are_libsodiums_and_come_off_again(masks: list[int], seed: bytes) -> None:
    inputs = [seed + bytes([i]) for i in range(len(masks))]
    plain = [group.from_uniform(group.expand(value, b"tag")) for value in inputs]
    factors = packed([le(mask) for mask in masks])
    masked = batch.hash_and_mask(Packed.of(inputs), b"tag", factors)
    assert listed(masked) == [group.add(p, group.multiply_base(le(mask))) for p, mask in zip(plain, masks, strict=True)]
    base = group.multiply_base(le(1))
    points = batch.decode(masked)
    assert listed(batch.sum_and_unmask([points], factors, base)) == plain
    twice = batch.sum_and_unmask([points, points], factors, group.add(base, base))
    assert listed(twice) == [group.add(p, p) for p in plain]


@settings(max_examples=30, deadline=None)
@given(weights=st.lists(SCALAR, min_size=1, max_size=40), start=st.integers(0, 2**40))
def test_weighted_sums_are_libsodiums(weights: list[int], start: int) -> None:
    values = [element(start + i % 7) for i in range(len(weights))]  # equal elements meet in a bucket
    total = group.IDENTITY
    for value, weight in zip(values, weights, strict=True):
        total = group.add(total, group.multiply(le(weight), value))
    assert batch.weighted_sum(batch.decode(packed(values)), packed([le(weight) for weight in weights])) == total


@pytest.mark.parametrize("count", [250, 1_000, 10_000])
def test_weighted_sums_at_every_width_of_digit(count: int) -> None:
    draw = np.random.default_rng(count)
    values = [element(i) for i in range(5)]
    weights = draw.integers(0, 256, (count, 32), np.uint8)
    weights[:, 31] &= 15
    sums = [sum(int.from_bytes(w.tobytes(), "little") for w in weights[i::5]) % group.ORDER for i in range(5)]
    total = group.IDENTITY
    for value, weight in zip(values, sums, strict=True):
        total = group.add(total, group.multiply(le(weight), value))
    assert batch.weighted_sum(batch.decode(packed([values[i % 5] for i in range(count)])), weights) == total


@pytest.mark.parametrize("place", range(9))
def test_an_invalid_row_is_noticed_wherever_it_is(place: int) -> None:
    rows = packed([element(i) for i in range(9)]).copy()
    rows[place] = 255
    with pytest.raises(ElementError, match="no element"):
        batch.decode(rows)
    rows[place] = 0
    with pytest.raises(ElementError, match="identity"):
        batch.decode(rows)


@settings(max_examples=200)
@given(st.binary(min_size=32, max_size=32))
def test_bytes_are_valid_exactly_where_libsodium_says_so(encoding: bytes) -> None:
    rows, valid = batch.words(packed([encoding])), np.empty(8, np.uint64)
    kernels.decode_all(rows, np.empty((1, 15, 8), np.uint64), valid)
    try:
        group.check_element(encoding)
        expected = True
    except ElementError:
        expected = encoding == group.IDENTITY
    assert bool(valid[0]) == expected


@settings(max_examples=200)
@given(
    wide=st.one_of(
        st.integers(0, 2**512 - 1),
        st.builds(lambda q, r: (q * group.ORDER + r) % 2**512, st.integers(0, 2**260), st.integers(-2, 2)),
        st.builds(lambda q, r: (q * group.ORDER + 2**252 + r) % 2**512, st.integers(0, 2**259), st.integers(-2, 2)),
    )
)
def test_reduction_is_the_integers(wide: int) -> None:
    out = np.empty((1, 4), np.uint64)
    scalars.reduce_wide(packed([wide.to_bytes(64, "little")]).view(np.uint64), out)
    assert int.from_bytes(out.tobytes(), "little") == wide % group.ORDER


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.binary(max_size=400), min_size=1, max_size=6))
def test_hashes_are_hashlibs(values: list[bytes]) -> None:
    rows = packed([hashlib.sha256(value).digest() for value in values])
    outputs = batch.finalize(Packed.of(values), rows)
    ends = [row + b"Finalize" for row in listed(rows)]
    said = [len(v).to_bytes(2, "big") + v + b"\x00\x20" + end for v, end in zip(values, ends, strict=True)]
    assert listed(outputs) == [hashlib.sha512(message).digest() for message in said]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 19), size=st.integers(0, 300), tag=st.binary(min_size=1, max_size=200), seed=st.integers(0))
def test_scalars_of_rows_of_one_length_are_hashlibs(count: int, size: int, tag: bytes, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(0, 256, (count, size), np.uint8)
    expected = [group.reduce(group.expand(row, tag)) for row in listed(rows)]
    assert listed(batch.hash_to_scalars(rows, tag)) == expected


@given(key=st.binary(max_size=128), width=st.integers(1, 64), size=st.integers(1, 300))
def test_keyed_hashes_are_hmac(key: bytes, width: int, size: int) -> None:
    rows = np.arange(3 * size, dtype=np.int64).astype(np.uint8).reshape(3, size)
    expected = [hmac.digest(key, row, "sha512")[:width] for row in listed(rows)]
    assert listed(batch.keyed(key, rows, width)) == expected


def test_masks_are_below_the_order_and_differ() -> None:
    drawn = listed(batch.random_scalars(1_000))
    assert len(set(drawn)) == 1_000
    assert all(int.from_bytes(value, "little") < group.ORDER for value in drawn)


_PORTABLE = """
import numpy as np
from stillwatch.forum.matching import group
from stillwatch.forum.matching.curve import batch, lanes
assert not lanes.IFMA
rows = np.frombuffer(b"".join(group.from_uniform(bytes([i]) * 64) for i in range(1, 10)), np.uint8).reshape(9, 32)
scalar = (group.ORDER - 12345).to_bytes(32, "little")
found = batch.multiply(scalar, batch.decode(rows))
assert [r.tobytes() for r in found] == [group.multiply(scalar, r.tobytes()) for r in rows]
"""


def test_processors_without_ifma_give_the_same(tmp_path: object) -> None:
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _PORTABLE], env=environment, check=True, timeout=300)
