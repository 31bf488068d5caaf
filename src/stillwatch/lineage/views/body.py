"""Body: words without the opening sentence."""

import re
from typing import Final

from stillwatch.lineage.views.grams import ngrams, tokens
from stillwatch.lineage.views.interface import TRUNCATE, Grams, View

_END: Final = re.compile(r"(?<=[.!?:])\s|\n")


def without_opening(text: str) -> str:
    """``text`` after its first sentence or line; nothing where it has only one."""
    text = text.strip()
    end = _END.search(text)
    return text[end.end() :].strip() if end else ""


def grams(text: str) -> Grams:
    """One to three words after the first sentence."""
    return ngrams(tokens(without_opening(text)[:TRUNCATE]), 1, 3)


VIEW = View("body", "words after the opening sentence", grams)
