"""Fingerprints of the texts of a batch of requests (``schema.prints.PRINTS``), straight from Arrow's buffers."""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.errors import UsageError
from stillwatch.schema.prints import PRINTS
from stillwatch.text import anchors, cues
from stillwatch.text.form import forms
from stillwatch.text.hashing import emit, mix
from stillwatch.text.jit import compiled
from stillwatch.text.sketch import DIMENSIONS, SEEN, sketch
from stillwatch.text.tokens import count_words, tokenise

_SKETCH_KEY: Final = np.uint64(0x5851F42D4C957F2D)


class _Texts(NamedTuple):
    """A string column as numba reads it: its bytes, where each text begins and ends, and which are not null."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    valid: NDArray[np.bool_]


def fingerprint(batch: pa.RecordBatch, key: int = 0) -> pa.RecordBatch:
    """Fingerprints of the columns ``system_prompt``, ``prompt`` and ``response`` of ``batch``, row by row.

    Args:
        batch: any columns beside these three are ignored; an absent or null text gives null fingerprints, and so
            does one without a single word.
        key: 0, or a secret below 2**128. With a secret every hash is passed through SipHash and the sketch is drawn
            from it, so that nobody without it can test a guess of a text; fingerprints of different keys never meet.
            Cues and word counts do not depend on it.

    Returns:
        A batch of ``PRINTS`` with as many rows.

    Raises:
        UsageError: the key is out of range.
    """
    if not 0 <= key < 1 << 128:
        raise UsageError("a fingerprint key must be a whole number from 0 to 2**128 - 1", where="key")
    key0, key1 = np.uint64(key & 0xFFFFFFFFFFFFFFFF), np.uint64(key >> 64)
    prompts, systems, responses = (_texts(batch, name) for name in ("prompt", "system_prompt", "response"))
    rules = cues.compile_cues()
    hashes, lists, ends, words, found, sketches = _prompts(
        *prompts, key0, key1, rules.firsts, rules.words, rules.steps, rules.starts
    )
    system_hashes, system_lists, system_ends, system_words = _systems(*systems, key0, key1)
    spoken, told = words > 0, system_words > 0
    return pa.RecordBatch.from_arrays(
        [
            _numbers(hashes.view(np.int64), spoken),
            _lists(lists, ends, spoken),
            _numbers(words, prompts.valid),
            _numbers(found, prompts.valid),
            _numbers(forms(*prompts), prompts.valid),
            _sketches(sketches, spoken),
            _numbers(system_hashes.view(np.int64), told),
            _lists(system_lists, system_ends, told),
            _numbers(_words(*responses), responses.valid),
        ],
        schema=PRINTS,
    )


def _texts(batch: pa.RecordBatch, name: str) -> _Texts:
    """Column ``name`` of ``batch``; all null if there is none."""
    column = batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows, pa.string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = column.cast(pa.large_string())
    wide = pa.types.is_large_string(column.type)
    _, places, data = column.buffers()
    offsets = np.zeros(len(column) + 1, np.int64)
    if places is not None and len(places):
        all_offsets = np.frombuffer(memoryview(places), "<i8" if wide else "<i4")
        offsets[:] = all_offsets[column.offset : column.offset + len(column) + 1]
    valid = np.asarray(column.is_valid())
    return _Texts(np.frombuffer(b"" if data is None else memoryview(data), np.uint8), offsets, valid)


def _numbers(values: NDArray[Any], valid: NDArray[np.bool_]) -> Any:
    return pa.array(values, mask=~valid)


def _lists(values: NDArray[np.uint64], ends: NDArray[np.int32], valid: NDArray[np.bool_]) -> Any:
    places: Any = pa.array(ends)
    missing: Any = pa.array(~valid)
    return pa.ListArray.from_arrays(places, pa.array(values.view(np.int64)), mask=missing)


def _sketches(values: NDArray[np.int8], valid: NDArray[np.bool_]) -> Any:
    bitmap = pa.array(valid).buffers()[1]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(DIMENSIONS), len(valid), [bitmap, pa.py_buffer(values.data)])


@compiled
def _longest(offsets: NDArray[np.int64]) -> int:
    """Room that the tokens of the longest text may need."""
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    return longest + 1


@compiled
def _prompts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    valid: NDArray[np.bool_],
    key0: np.uint64,
    key1: np.uint64,
    firsts: NDArray[np.uint64],
    words_of: NDArray[np.uint64],
    steps: NDArray[np.int32],
    starts: NDArray[np.int32],
) -> tuple[
    NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]
]:
    """Hash, anchors, their ends, words, cues and sketch of every prompt; nothing is allocated inside the loop."""
    rows = len(valid)
    room = _longest(offsets)
    tokens, marks = np.empty(room, np.uint64), np.empty(room, np.uint8)
    hashes, words, found = np.zeros(rows, np.uint64), np.zeros(rows, np.int32), np.zeros(rows, np.int32)
    lists, ends = np.empty(rows * anchors.ANCHORS, np.uint64), np.zeros(rows + 1, np.int32)
    sketches = np.zeros((rows, DIMENSIONS), np.int8)
    row_anchors, priorities = np.empty(anchors.ANCHORS, np.uint64), np.empty(anchors.INNER, np.uint64)
    seen, counts = np.zeros(SEEN, np.uint64), np.zeros(SEEN, np.int64)
    reached = np.full(len(firsts), -cues.GAP - 1, np.int64)
    sketch_key = emit(_SKETCH_KEY, key0, key1)
    total = passed = 0
    for row in range(rows):
        if valid[row]:
            count = tokenise(data, offsets[row], offsets[row + 1], tokens, marks)
            words[row] = count
            if count:
                hashes[row] = emit(anchors.whole(tokens, count), key0, key1)
                for index in range(anchors.prompt_anchors(tokens, marks, count, row_anchors, priorities)):
                    lists[total] = emit(row_anchors[index], key0, key1)
                    total += 1
                found[row] = cues.match(tokens, count, passed, firsts, words_of, steps, starts, reached)
                passed += count + cues.GAP + 1
                sketch(tokens, marks, count, sketch_key, mix(np.uint64(row + 1)), seen, counts, sketches[row])
        ends[row + 1] = total
    return hashes, lists[:total], ends, words, found, sketches


@compiled
def _systems(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], valid: NDArray[np.bool_], key0: np.uint64, key1: np.uint64
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
    """Hash, anchors, their ends and words of every system prompt."""
    rows = len(valid)
    room = _longest(offsets)
    tokens, marks = np.empty(room, np.uint64), np.empty(room, np.uint8)
    hashes, words = np.zeros(rows, np.uint64), np.zeros(rows, np.int32)
    lists, ends = np.empty(rows * anchors.PREFIXES, np.uint64), np.zeros(rows + 1, np.int32)
    row_anchors = np.empty(anchors.PREFIXES, np.uint64)
    total = 0
    for row in range(rows):
        if valid[row]:
            count = tokenise(data, offsets[row], offsets[row + 1], tokens, marks)
            words[row] = count
            if count:
                hashes[row] = emit(anchors.whole(tokens, count), key0, key1)
                for index in range(anchors.system_anchors(tokens, count, row_anchors)):
                    lists[total] = emit(row_anchors[index], key0, key1)
                    total += 1
        ends[row + 1] = total
    return hashes, lists[:total], ends, words


@compiled
def _words(data: NDArray[np.uint8], offsets: NDArray[np.int64], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Words of every text."""
    counts = np.zeros(len(valid), np.int32)
    for row in range(len(valid)):
        if valid[row]:
            counts[row] = count_words(data, offsets[row], offsets[row + 1])
    return counts
