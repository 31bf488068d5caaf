"""Ways of disguising answers, applied to every suspect at once, and what each costs."""

import re
from collections.abc import Callable

_MARK = re.compile(r"[*_`#>|]+|^\s*(?:\d+[.)]|[-•])\s+", re.MULTILINE)
_SWAPS = {
    "however": "but", "additionally": "also", "such as": "like", "in order to": "to", "it is": "it's",
    "important": "key", "several": "some", "various": "different", "provide": "give", "ensure": "make sure",
    "utilize": "use", "help": "assist", "because": "since", "can be": "may be", "there are": "one finds",
}  # fmt: skip
_SWAP = re.compile(r"\b(" + "|".join(map(re.escape, _SWAPS)) + r")\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def stripped(text: str) -> str:
    """Without markup, list marks and line breaks."""
    return " ".join(_MARK.sub("", text).split())


def truncated(text: str) -> str:
    """The first 300 characters."""
    return text[:300]


def beheaded(text: str) -> str:
    """Without the first sentence."""
    return _SENTENCE.split(text.strip(), maxsplit=1)[-1]


def paraphrased(text: str) -> str:
    """Frequent words replaced, and neighbouring sentences swapped: what a script can do without a model."""
    parts = _SENTENCE.split(_SWAP.sub(lambda hit: _SWAPS[hit[0].lower()], text))
    for at in range(0, len(parts) - 1, 2):
        parts[at], parts[at + 1] = parts[at + 1], parts[at]
    return " ".join(parts)


EVASIONS: dict[str, Callable[[str], str]] = {
    "none": lambda text: text, "markup stripped": stripped, "first sentence cut": beheaded,
    "cut at 300 characters": truncated, "words replaced, sentences swapped": paraphrased,
}  # fmt: skip
