"""Examples fit to be shown: what may name a person or open a door is masked, and little of the rest is kept."""

import re
import unicodedata
from typing import Final

LIMIT: Final = 160

_MASKS: Final = (
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "‹mail›"),
    (re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.)[^\s<>\"']+", re.IGNORECASE), "‹url›"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[\w-]{12,}"), "‹token›"),
    (re.compile(r"\b[A-Za-z0-9+/_-]{32,}={0,2}"), "‹token›"),
    (re.compile(r"\d[\d.,:/-]*\d|\d"), "#"),
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_ENDS: Final = frozenset(".!?:;\"'«“(-*•#")
_NAME: Final = "‹name›"


def redact(text: str, limit: int = LIMIT) -> str:
    """One line of at most ``limit`` characters of ``text``, safe to print.

    Mail addresses, URLs, keys and numbers are masked, and so are capitalised words but the first of a sentence (and
    that too if a second one follows, as in a full name). Over-masking is intended; a name written without capitals, or
    in a script without them, is not recognised.
    """
    line = " ".join(printable(text[: limit * 8]).split())
    for pattern, mask in _MASKS:
        line = pattern.sub(mask, line)
    line = _without_names(line)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def printable(text: str) -> str:
    """``text`` without control, format and private characters, which could drive a terminal or hide words."""
    return "".join(c if c in "\n\t" or unicodedata.category(c)[0] != "C" else " " for c in text)


def _without_names(line: str) -> str:
    words = [match for match in _WORD.finditer(line) if not _masked(line, match.start())]
    capital = [_capitalised(match.group()) for match in words]
    pieces, done = [], 0
    for index, match in enumerate(words):
        followed = index + 1 < len(words) and capital[index + 1] and line[match.end() : words[index + 1].start()] == " "
        if capital[index] and (followed or not _begins(line, match.start())):
            pieces += [line[done : match.start()], _NAME]
            done = match.end()
    return "".join([*pieces, line[done:]])


def _capitalised(word: str) -> bool:
    return word[0].isupper() and any(letter.islower() for letter in word)


def _begins(line: str, at: int) -> bool:
    """Whether a sentence begins at ``at``."""
    before = line[:at].rstrip()
    return not before or before[-1] in _ENDS


def _masked(line: str, at: int) -> bool:
    return at > 0 and line[at - 1] == "‹"
