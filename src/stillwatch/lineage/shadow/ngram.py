"""A student of n-grams: it has the teacher's phrases by heart, and backs off to shorter ones."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from stillwatch.lineage.shadow.words import TIGHT, join, number, split

_ORDER: Final = 3  # words of context at most
_START: Final = "\x02"
_END: Final = "\x03"
_PREFERENCE: Final = 30.0  # how much likelier a word is for standing in the base's answer


class NgramStudent:
    """An n-gram model of texts.

    Args:
        texts: what it is trained on.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._next: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for _, text in sorted(texts.items()):
            tokens = [*([_START] * _ORDER), *split(text), _END]
            for at in range(_ORDER, len(tokens)):
                for length in range(1, _ORDER + 1):
                    self._next[tuple(tokens[at - length : at])][tokens[at]] += 1

    def write_all(self, asked: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """A text for each key, about what its second string is about; the first is the seed of what is drawn."""
        return {key: self.write(seed, about) for key, (seed, about) in asked.items()}

    def write(self, seed: str, about: str = "", longest: int = 400) -> str:
        """A text about what ``about`` is about, the same for the same ``seed``."""
        topic = {word.lower() for word in split(about)}
        rng = random.Random(number(seed, 32))  # noqa: S311 - text, not a secret
        said = [_START] * _ORDER
        while len(said) < longest + _ORDER:
            word = self._draw(said, topic, rng)
            if word == _END:
                break
            said.append(word)
        return join(said[_ORDER:])

    def _draw(self, said: list[str], topic: set[str], rng: random.Random) -> str:
        """The next word, from the longest context that was seen and offers a word of the topic, else from any."""
        for length in range(_ORDER, 0, -1):
            choices = self._next.get(tuple(said[len(said) - length :]))
            if choices and (length == 1 or any(word.lower() in topic or word in TIGHT for word in choices)):
                words = list(choices)
                weights = [n * (_PREFERENCE if word.lower() in topic else 1.0) for word, n in choices.items()]
                return rng.choices(words, weights)[0]
        return _END
