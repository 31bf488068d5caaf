"""The fingerprints of one text, written for clearness: what the compiled kernels must give, token by token."""

import math
import re
from functools import cache

from stillwatch.text import anchors, form, sketch
from stillwatch.text.cues import CUES, GAP
from stillwatch.text.letters import DIGIT, FOLD, SKIP, SOLO, TABLE, high

ALL = 2**64 - 1
M = 0x9E3779B97F4A7C15
SKETCH_KEY = 0x5851F42D4C957F2D


class Token:
    def __init__(self, value: int, letters: int, alone: bool, line: bool) -> None:
        self.value, self.letters, self.alone, self.line = value, letters, alone, line
        self.colon = False


def mix(value: int) -> int:
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & ALL
    value = (value ^ value >> 27) * 0x94D049BB133111EB & ALL
    return value ^ value >> 31


def siphash(value: int, key: int) -> int:
    def turn(by: int, word: int) -> int:
        return (word << by | word >> 64 - by) & ALL

    def rounds(count: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(count):
            v0, v2 = v0 + v1 & ALL, v2 + v3 & ALL
            v1, v3 = turn(13, v1) ^ v0, turn(16, v3) ^ v2
            v0 = turn(32, v0)
            v2, v0 = v2 + v1 & ALL, v0 + v3 & ALL
            v1, v3 = turn(17, v1) ^ v2, turn(21, v3) ^ v0
            v2 = turn(32, v2)

    k0, k1 = key & ALL, key >> 64
    v0, v1, v2, v3 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    for word in (value, 8 << 56):
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xFF
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


def emit(value: int, key: int) -> int:
    """As a signed number."""
    value = (siphash(value, key) if key else value) or 1
    return value - 2**64 if value >> 63 else value


def word_hash(points: list[int]) -> int:
    data = []
    for point in points:
        flag = 0x80 if point >= 0x80 else 0
        while point:
            data.append(point & 0x7F | flag)
            point >>= 7
    word = M
    while len(data) >= 8:
        word = mix(word ^ int.from_bytes(bytes(data[:8]), "little"))
        del data[:8]
    return mix((word ^ int.from_bytes(bytes(data), "little")) * M & ALL)


def tokenise(text: str) -> list[Token]:
    tokens: list[Token] = []
    word: list[int] = []
    number, line = False, True

    def push(value: int, letters: int, alone: bool) -> None:
        nonlocal line
        tokens.append(Token(value, min(letters, 31), alone, line))
        line = False

    for character in [*text, " "]:
        point = ord(character)
        value = int(FOLD[point]) if point < TABLE else high(point)
        if value == SKIP:
            continue
        if value > SOLO:
            word.append(value)
            continue
        if word:
            push(word_hash(word), len(word), False)
            word, number = [], False
        if value == DIGIT:
            if not number:
                push(mix(DIGIT), 0, False)
            number = True
        elif value == SOLO:
            push(mix(point), 1, True)
            number = False
        elif character == "\n":
            line = True
        elif character in ":\uff1a" and tokens:
            tokens[-1].colon = True
    return tokens


def phrase(tokens: list[Token], salt: int) -> int:
    for token in tokens:
        salt = salt * M + token.value & ALL
    return mix(salt)


PHRASE, START, END, LABEL, TEXT = (
    0xC2B2AE3D27D4EB4F, 0xA24BAED4963EE407, 0x9FB21C651E98DF25, 0xE7037ED1A0B428DB, 0xD6E8FEB86659FD93,
)  # fmt: skip


def frame(tokens: list[Token]) -> int | None:
    labels, begin = [], None
    for at, token in enumerate(tokens):
        if token.line:
            begin = at
        if token.colon and begin is not None:
            if at - begin < (16 if tokens[begin].alone else 8):
                labels.append(tokens[begin : at + 1])
            begin = None
    if len(labels) < 2 and (not labels or len(labels[-1]) < (6 if tokens[0].alone else 3)):
        return None
    return mix(phrase(labels[0], LABEL) * M + phrase(labels[-1], LABEL) & ALL)


def prompt_anchors(tokens: list[Token]) -> list[int]:
    found = []
    n = len(tokens)
    if not n:
        return []
    head, tail = (8, 16) if tokens[0].alone else (5, 8), (8, 16) if tokens[-1].alone else (5, 8)
    if n >= head[0]:
        found.append(phrase(tokens[: head[0]], PHRASE))
    if n >= tail[0]:
        found.append(phrase(tokens[n - tail[0] :], PHRASE))
    found = list(dict.fromkeys(found))
    ends = set(found)
    if n >= head[1]:
        found.append(phrase(tokens[: head[1]], START))
    if n >= tail[1]:
        found.append(phrase(tokens[n - tail[1] :], END))
    if value := frame(tokens):
        found.append(value)
    inner: dict[int, int] = {}
    for at in range(1, n - 5):
        length = 8 if tokens[at].alone else 5
        if at + length > n:
            continue
        value = phrase(tokens[at : at + length], PHRASE)
        if value not in ends:
            inner[value] = min(inner.get(value, ALL), value >> (4 if tokens[at].line else 0))
    return found + sorted(inner, key=inner.__getitem__)[: anchors.INNER]


def system_anchors(tokens: list[Token]) -> list[int]:
    return [phrase(tokens[: 8 << step], START) for step in range(anchors.PREFIXES) if len(tokens) >= 8 << step]


def prompt_sketch(tokens: list[Token], key: int) -> bytes:
    secret = emit(SKETCH_KEY, key) & ALL
    total, counts = [0] * 32, [(0, 0)] * sketch.SEEN

    def add(value: int, times: int, weight: int) -> None:
        for _ in range(times):
            total[value & 31] += weight if value & 32 else -weight
            value >>= 6

    before = 0
    for index, token in enumerate(tokens):
        if token.value == mix(DIGIT):
            continue
        slot = token.value % sketch.SEEN
        seen, count = counts[slot]
        count = count + 1 if seen == token.value and count else 1
        counts[slot] = token.value, count
        if count & count - 1 == 0:
            add(mix(token.value ^ secret), 4, 1 if token.letters <= 3 else 3 if token.letters <= 5 else 4)
        if index:
            add(mix((before * M + token.value & ALL) ^ secret), 2, 1)
        before = token.value
    square = sum(value * value for value in total)
    scale = 127.0 / math.sqrt(square) if square else 0.0
    return bytes(math.floor(value * scale + 0.5) & 0xFF for value in total)


@cache
def patterns() -> list[tuple[int, list[list[list[int]]]]]:
    def wordings(part: str) -> list[list[int]]:
        options = [""]
        for word in part.split():
            options = [f"{start} {choice}" for start in options for choice in word.split("|")]
        return [[token.value for token in tokenise(option)] for option in options]

    return [(1 << cue.bit, [wordings(part) for part in pattern.split("…")]) for cue in CUES for pattern in cue.patterns]


def prompt_cues(tokens: list[Token]) -> int:
    values = [token.value for token in tokens]
    bits = 0
    for bit, parts in patterns():
        reached: dict[int, int] = {}
        for at in range(len(values)):
            for place in reversed(range(len(parts))):
                for wording in parts[place]:
                    ready = place == 0 or 0 <= at - reached.get(place - 1, -1000) <= GAP
                    if ready and values[at : at + len(wording)] == wording:
                        reached[place] = at + len(wording)
                        bits |= bit if place == len(parts) - 1 else 0
    return bits


def prompt_form(prompt: str) -> int:
    """Bytes as Latin-1, so that one character is one byte; what is up to a space is space."""
    text = "".join(letter if letter > " " or letter == "\n" else " " for letter in prompt.encode().decode("latin-1"))
    line = text.strip(" \n").split("\n")[0].strip(" ")
    if not line:
        return 0
    parts = [part for part in line.split(" ") if part]
    letters = re.findall(r"[A-Za-z\x80-\xff]+", line)
    words = [word.translate({upper: upper + 32 for upper in range(65, 91)}) for word in letters]
    bits = [
        bool(words) and words[0] in form._VERBS.split(),
        not set(words) & set(form._PERSONS.split()),
        re.match("[A-Z][a-z]", line) is not None,
        re.search(r"[A-Za-z0-9.:)\]\"'\x80-\xff]$", line) is not None,
        5 <= len(parts) <= 30,
        len(re.findall(r"[.!?](?: |$)", line)) <= 1,
        not any("A" <= part[0] <= "Z" for part in parts[1:]),
    ]
    return sum(1 << place for place, bit in enumerate(bits) if bit)


def fingerprint(system: str | None, prompt: str | None, response: str | None, key: int = 0) -> dict[str, object]:
    """A row of PRINTS."""
    spoken, told = tokenise(prompt or ""), tokenise(system or "")
    return {
        "prompt_hash": emit(phrase(spoken, TEXT), key) if spoken else None,
        "prompt_anchors": [emit(value, key) for value in prompt_anchors(spoken)] if spoken else None,
        "prompt_words": None if prompt is None else len(spoken),
        "prompt_cues": None if prompt is None else prompt_cues(spoken),
        "prompt_form": None if prompt is None else prompt_form(prompt),
        "prompt_sketch": prompt_sketch(spoken, key) if spoken else None,
        "system_hash": emit(phrase(told, TEXT), key) if told else None,
        "system_anchors": [emit(value, key) for value in system_anchors(told)] if told else None,
        "response_words": None if response is None else len(tokenise(response)),
    }
