"""A name for what was withheld: which of the categories that never leave it looks like.

This decides nothing. A value is withheld or held back because no rule permits it; the words of the policy only give the
submitter and the ledger a category, through the disguises that are cheap to undo: compatibility forms and look-alike
letters of other alphabets, characters without width, percent signs, base64, hexadecimal digits, JSON within a string.
"""

import base64
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from stillwatch.forum.guard.policy import Category

_LONGEST: Final = 4_000
_STRINGS: Final = 200
_LAYERS: Final = 3
#: Letters of other alphabets that look like Latin ones (after Unicode Technical Standard 39, the commonest).
_LOOKALIKES: Final = str.maketrans("авекмнорстухіѕјԁԛԝɡһӏԍαεικνορτυχβηωϲәո", "abekmhopctyxisjdqwghlgaeikvoptuxbnwcen")
_WORD: Final = re.compile(r"[^a-z0-9$€%]+")
_CODED: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


class Naming:
    """Names by the words of a policy's categories.

    Args:
        categories: those of the policy, in its order; the first that fits is taken.
    """

    def __init__(self, categories: tuple[Category, ...]) -> None:
        self._words = [(each.id, tuple(f" {word} " for word in each.words)) for each in categories if each.words]

    def name(self, *values: Any) -> str:
        """The id of the first category that a word in ``values`` (JSON) is of; "" if there is none."""
        texts = [form for value in values for text in _strings(value) for form in _forms(text, _LAYERS)]
        told = [f" {_WORD.sub(' ', text)} " for text in texts]
        return next((id_ for id_, words in self._words if any(w in text for text in told for w in words)), "")


def _strings(value: Any) -> Iterator[str]:
    """The strings in a JSON value, names included; so many, so long."""
    left, waiting = _STRINGS, [value]
    while waiting and left:
        each = waiting.pop()
        left -= 1
        if isinstance(each, str):
            yield each[:_LONGEST]
        elif isinstance(each, dict):
            waiting += [*list(each)[:left], *list(each.values())[:left]]
        elif isinstance(each, list):
            waiting += each[:left]


def _forms(text: str, layers: int) -> Iterator[str]:
    """``text`` in plain letters, and whatever it is the disguise of."""
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    yield plain.casefold().translate(_LOOKALIKES)
    if layers:
        for inner in _uncovered(plain):
            yield from _forms(inner[:_LONGEST], layers - 1)


def _uncovered(text: str) -> Iterator[str]:
    if "%" in text and (inner := unquote(text)) != text:
        yield inner
    if "\\" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    for found in list(_CODED.finditer(text))[:20]:
        for data in _decoded(found[0]):
            inner = data.decode("utf-8", "ignore")
            if len(inner) > 3 and sum(each.isprintable() for each in inner) > 0.9 * len(data):
                yield inner


def _decoded(coded: str) -> Iterator[bytes]:
    bare = coded.rstrip("=")
    if len(bare) % 4 != 1:
        yield base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4))
    digits = coded.replace("-", "")
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", digits):
        yield bytes.fromhex(digits)
