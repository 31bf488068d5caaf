"""A student's words: how texts are cut into them and put together again, and how its draws are seeded."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

_TOKEN: Final = re.compile(r"\w+(?:[’']\w+)*|[^\w\s]|\n")
#: Marks that stand close to the word before them.
TIGHT: Final = frozenset(".,;:!?)]}%")


def split(text: str) -> list[str]:
    """Words, marks and line breaks."""
    return _TOKEN.findall(text)


def join(tokens: Sequence[str]) -> str:
    """The same as a text."""
    out = ""
    for token in tokens:
        tight = not out or token in TIGHT or token.isspace() or out[-1] in "\n([{"
        out += token if tight else f" {token}"
    return out


def number(text: str, size: int = 16) -> int:
    """A number of ``size`` bytes, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size])
