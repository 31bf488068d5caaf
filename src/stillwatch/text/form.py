"""How a prompt is put, whatever it is about: seven bits that hold of a task written for a machine to answer.

Prompt sets made to be answered and trained on (Self-Instruct: Wang et al., ACL 2023) are imperative, impersonal, tidy
and self-contained; people ask, greet, explain themselves and mistype. No single bit tells one from the other, and a
careful person writes such prompts too, so they are for comparing shares between groups, never for judging a request.

Only the first line is read: an instruction often has its input below it. The lists of words are English; a prompt in
another language lacks the bits that need them, which makes this blind to it, not suspicious of it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled

IMPERATIVE: Final = 1  # the first word is a verb that sets a task
IMPERSONAL: Final = 2  # no I, we or you
CAPITAL: Final = 4  # begins with a capital, then a small letter
STATED: Final = 8  # ends in a word, a full stop or a colon, not in a question mark or nothing a sentence ends in
BRIEF: Final = 16  # 5 to 30 words
SINGLE: Final = 32  # at most one sentence
GENERIC: Final = 64  # no capitalised word but the first: no name of a person, place or product
BITS: Final = 7

_SHORTEST, _LONGEST = 5, 30
_VERBS = """
add analyse analyze answer apply arrange assess brainstorm build calculate categorise categorize change check choose
cite classify combine compare complete compose compute conduct consider construct convert correct count craft create
debug decide declare define delete demonstrate derive describe design detect determine develop devise differentiate
discuss display divide draft draw edit elaborate eliminate estimate evaluate examine execute expand explain express
extend extract fill filter find fix form formulate generate give guess highlight identify illustrate implement improve
include indicate infer insert interpret invent join judge justify list make match measure merge modify move multiply
name optimise optimize order organise organize outline output paraphrase parse perform pick plan plot point predict
prepare present print produce program propose prove provide rank rate read rearrange recommend reduce refactor refine
reformat remove rename reorder rephrase replace report represent research respond restate restructure retrieve return
reverse review revise rewrite round select sequence set shorten show simplify simulate sketch solve sort specify spell
split state structure submit substitute suggest sum summarise summarize swap synthesise synthesize tell test trace
train transform translate turn update use utilise utilize validate verify visualise visualize write
"""
_PERSONS = "i im ive id my me mine myself we us our ours you your yours u ur"


def _word(text: str) -> np.uint64:
    """Hash of a lower-case word, as ``form`` makes it."""
    mask = (1 << 64) - 1
    value = int(MULTIPLIER)
    for letter in text:
        value = ((value ^ ord(letter)) * int(MULTIPLIER)) & mask
    return mix(np.uint64(value))


VERBS: Final = np.sort(np.array([_word(verb) for verb in _VERBS.split()], np.uint64))
PERSONS: Final = np.sort(np.array([_word(person) for person in _PERSONS.split()], np.uint64))


@compiled
def _among(value: np.uint64, words: NDArray[np.uint64]) -> bool:
    at = np.searchsorted(words, value)
    return bool(at < len(words) and words[at] == value)


@compiled
def _small(byte: int) -> bool:
    return 97 <= byte <= 122


@compiled
def _large(byte: int) -> bool:
    return 65 <= byte <= 90


@compiled
def form(data: NDArray[np.uint8], start: int, end: int, verbs: NDArray[np.uint64], persons: NDArray[np.uint64]) -> int:
    """Bits of the first line of ``data[start:end]`` that is not blank; 0 if there is none."""
    while start < end and data[start] <= 32:
        start += 1
    stop = start
    while stop < end and data[stop] != 10:
        stop += 1
    while stop > start and data[stop - 1] <= 32:
        stop -= 1
    if stop == start:
        return 0
    imperative, impersonal, generic = False, True, True
    words = sentences = letters = 0
    gap, first = True, True
    word = MULTIPLIER
    for at in range(start, stop + 1):
        byte = int(data[at]) if at < stop else 32
        if gap and byte > 32:
            words += 1
            if words > 1 and _large(byte):
                generic = False
        if byte <= 32 and at > start and (data[at - 1] == 46 or data[at - 1] == 33 or data[at - 1] == 63):
            sentences += 1
        gap = byte <= 32
        if _small(byte) or _large(byte) or byte >= 128:
            word = (word ^ np.uint64(byte | 32 if byte < 128 else byte)) * MULTIPLIER
            letters += 1
        elif letters:
            value = mix(word)
            if first:
                imperative = _among(value, verbs)
                first = False
            impersonal = impersonal and not _among(value, persons)
            word = MULTIPLIER
            letters = 0
    last = int(data[stop - 1])
    closes = last == 46 or last == 58 or last == 41 or last == 93 or last == 34 or last == 39 or last >= 128
    stated = closes or _small(last) or _large(last) or 48 <= last <= 57
    capital = _large(int(data[start])) and start + 1 < stop and _small(int(data[start + 1]))
    return (
        (IMPERATIVE if imperative else 0)
        | (IMPERSONAL if impersonal else 0)
        | (CAPITAL if capital else 0)
        | (STATED if stated else 0)
        | (BRIEF if _SHORTEST <= words <= _LONGEST else 0)
        | (SINGLE if sentences <= 1 else 0)
        | (GENERIC if generic else 0)
    )


@compiled
def forms(data: NDArray[np.uint8], offsets: NDArray[np.int64], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Form bits of every text ``data[offsets[i]:offsets[i + 1]]``; 0 where it is not valid, or blank."""
    found = np.zeros(len(valid), np.int32)
    for row in range(len(valid)):
        if valid[row]:
            found[row] = form(data, offsets[row], offsets[row + 1], VERBS, PERSONS)
    return found
