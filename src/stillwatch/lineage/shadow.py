"""Shadow students: small text models trained on one model's answers, with which the whole chain can be tested.

A shadow has a base, which says what it writes about, and a teacher, who says how: an n-gram model with back-off over
the teacher's answers to *other* prompts, drawing among the words that follow with a preference for those of the base's
own answer. It is a known positive for its teacher and a clean negative for everybody else but its base. It shows that
the statistic finds a teacher whose phrasing is taken over, and how many prompts that takes. It does not show that a
neural student, which generalises instead of quoting, is found as easily.
"""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from stillwatch.lineage.answers import Answers

_TOKEN: Final = re.compile(r"\w+(?:[’']\w+)*|[^\w\s]|\n")
_ORDER: Final = 3  # words of context at most
_START: Final = "\x02"
_END: Final = "\x03"
_PREFERENCE: Final = 30.0  # how much likelier a word is for standing in the base's answer
_TIGHT: Final = frozenset(".,;:!?)]}%")


class Shadow:
    """An n-gram model of texts.

    Args:
        texts: what it is trained on.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._next: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for _, text in sorted(texts.items()):
            tokens = [*([_START] * _ORDER), *_TOKEN.findall(text), _END]
            for at in range(_ORDER, len(tokens)):
                for length in range(1, _ORDER + 1):
                    self._next[tuple(tokens[at - length : at])][tokens[at]] += 1

    def write(self, seed: str, about: str = "", longest: int = 400) -> str:
        """A text about what ``about`` is about, the same for the same ``seed``."""
        topic = {word.lower() for word in _TOKEN.findall(about)}
        rng = random.Random(hashlib.sha256(seed.encode()).digest())  # noqa: S311 - text, not a secret
        said = [_START] * _ORDER
        while len(said) < longest + _ORDER:
            word = self._draw(said, topic, rng)
            if word == _END:
                break
            said.append(word)
        return _join(said[_ORDER:])

    def _draw(self, said: list[str], topic: set[str], rng: random.Random) -> str:
        """The next word, from the longest context that was seen and offers a word of the topic, else from any."""
        for length in range(_ORDER, 0, -1):
            choices = self._next.get(tuple(said[len(said) - length :]))
            if choices and (length == 1 or any(word.lower() in topic or word in _TIGHT for word in choices)):
                words = list(choices)
                weights = [n * (_PREFERENCE if word.lower() in topic else 1.0) for word, n in choices.items()]
                return rng.choices(words, weights)[0]
        return _END


def shadows(teachers: Answers, bases: Answers, share: float = 0.5, seed: int = 0) -> Answers:
    """One student a teacher and base, ``TEACHER>BASE``: trained on part of the teacher's answers, asked the other part.

    Args:
        teachers: model -> prompt -> answer; whose manner is learnt.
        bases: the same; what is written about. A model is not paired with itself.
        share: of the prompts that students are trained on; they answer the rest, which they have not seen.
        seed: of the split and of what they write.
    """
    found: Answers = {}
    for name, answers in sorted(teachers.items()):
        keys = sorted(answers)
        learnt = {key for key in keys if _fraction(f"{seed}\0{key}") < share}
        student = Shadow({key: answers[key] for key in learnt})
        for base, topics in sorted(bases.items()):
            if base != name:
                found[f"{name}>{base}"] = {
                    key: student.write(f"{seed}\0{name}\0{base}\0{key}", topics[key])
                    for key in keys
                    if key not in learnt and key in topics
                }
    return found


def _fraction(text: str) -> float:
    """A number in [0, 1) of ``text``: the same split of prompts for every teacher."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def _join(tokens: list[str]) -> str:
    out = ""
    for token in tokens:
        out += token if not out or token in _TIGHT or token == "\n" or out[-1] in "\n([{" else f" {token}"  # noqa: S105
    return out
