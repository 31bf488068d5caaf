"""A paraphraser without a model: other words, other contractions, clauses and sentences in another order.

It stands for what a script does to a copied text at no cost. A model asked to paraphrase changes more. The same text is
always paraphrased in the same way.
"""

import hashlib
import random
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[A-Za-z][A-Za-z’'-]*")
_SENTENCE = re.compile(r"(?<!\bSt\.)(?<!\bDr\.)(?<!\bMr\.)(?<=[.!?])\s+(?=[A-Z\"“*])")
_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s")
_CONTRACTED = {
    "do not": "don't", "does not": "doesn't", "did not": "didn't", "is not": "isn't", "are not": "aren't",
    "can not": "can't", "cannot": "can't", "will not": "won't", "would not": "wouldn't", "should not": "shouldn't",
    "it is": "it's", "that is": "that's", "there is": "there's", "you are": "you're", "we are": "we're",
    "they are": "they're", "i am": "I'm", "you will": "you'll", "it will": "it'll", "i have": "I've",
    "you have": "you've", "they have": "they've", "let us": "let's", "what is": "what's",
}  # fmt: skip
_EXPANDED = {short: long for long, short in _CONTRACTED.items() if long != "cannot"}
_FRONTED = re.compile(r"^([A-Z][^,;:]{12,}?) (because|when|if|while|although|since|after|before) ([^,;:]{8,})\.$")
_BACKED = re.compile(r"^(Because|When|If|While|Although|Since|After|Before) ([^,;:]{8,}), ([^;:]{12,})\.$")
_PASSIVE = re.compile(
    r"^((?:The|This|That|A|An|It|These) ?[\w ]{0,30}?) (was|were) (\w+ed) by ((?:the|a|an) [\w ]{3,30}|[A-Z]\w+)\.$"
)
_PAIR = re.compile(r"\b([a-z]{4,}) and ([a-z]{4,})\b(?! \w+ing)")
_ARTICLE = re.compile(r"\b([Aa])n? (?=([A-Za-z]))")


@cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """Word -> the words it can be exchanged with, in the same form, itself among them; the commonest first."""
    found: dict[str, tuple[str, ...]] = {}
    for line in (Path(__file__).parent / "synonyms.txt").read_text("utf-8").splitlines():
        kind, *words = line.split()
        if kind == "#":
            continue
        for form in {"v": (str, _third, _past, _going), "n": (str, _third), "a": (str,)}[kind]:
            forms = tuple(form(word) for word in words)
            for word in forms:
                found.setdefault(word, forms)
    return found


def paraphrase(text: str, share: float = 1.0) -> str:
    """``text`` in other words; ``share`` of all that could be changed is."""
    rng = _random(text)
    lines, code = [], False
    for line in text.split("\n"):
        code ^= line.lstrip().startswith("```")
        lines.append(line if code or not line.strip() else _line(line, share, rng))
    return "\n".join(_shuffled(lines, share, rng))


def pivot(text: str) -> str:
    """``text`` as after a dictionary of one word a meaning, there and back: groups collapse, so do contractions."""
    plain = _each(text, _EXPANDED, 1.0, _random(text))
    one = _WORD.sub(lambda hit: _like(hit[0], groups().get(hit[0].lower(), (hit[0],))[0]), plain)
    return _articles(re.sub(r"\b([Tt])he\b", lambda hit: "A" if hit[1] == "T" else "a", one))


def foreign(text: str) -> str:
    """``text`` word by word in a made language: one word a meaning, no articles; figures, marks and names stay."""

    def word(hit: re.Match[str]) -> str:
        lower = hit[0].lower()
        if lower in ("a", "an", "the"):
            return ""
        if hit[0][0].isupper() and hit.start() and text[max(hit.start() - 2, 0) : hit.start()].strip(" ").isalnum():
            return hit[0]
        meaning = groups().get(lower, (lower,))[0]
        digest = hashlib.sha256(meaning.encode()).digest()
        made = "".join("bdfgklmnprstvz"[b % 14] + "aeiou"[b // 14 % 5] for b in digest[: max(2, len(meaning) // 2)])
        return _like(hit[0], made)

    return _WORD.sub(word, text)


def _line(line: str, share: float, rng: random.Random) -> str:
    head = _ITEM.match(line)
    start = head.end() if head else 0
    sentences = _SENTENCE.split(line[start:])
    sentences = [_sentence(sentence, share, rng) for sentence in sentences]
    first = 0 if len(sentences) > 2 else 1
    for at in range(first, len(sentences) - 1, 2):
        if rng.random() < share:
            sentences[at], sentences[at + 1] = sentences[at + 1], sentences[at]
    table = _CONTRACTED if rng.random() < 0.5 else _EXPANDED
    return line[:start] + _articles(_words(_each(" ".join(sentences), table, share, rng), share, rng))


def _sentence(sentence: str, share: float, rng: random.Random) -> str:
    """Clauses the other way round, passive as active, pairs swapped."""
    for pattern, change in _CLAUSES:
        if (hit := pattern.match(sentence)) and rng.random() < share:
            sentence = change(hit)
            break
    return _PAIR.sub(lambda hit: f"{hit[2]} and {hit[1]}" if rng.random() < share else hit[0], sentence)


def _active(hit: re.Match[str]) -> str:
    return f"{_upper(hit[4])} {hit[3]} {_lower(hit[1])}."


_CLAUSES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_FRONTED, lambda hit: f"{_upper(hit[2])} {hit[3]}, {_lower(hit[1])}."),
    (_BACKED, lambda hit: f"{_upper(hit[3])} {hit[1].lower()} {hit[2]}."),
    (_PASSIVE, _active),
)


def _words(text: str, share: float, rng: random.Random) -> str:
    def other(hit: re.Match[str]) -> str:
        choices = [word for word in groups().get(hit[0].lower(), ()) if word != hit[0].lower()]
        return _like(hit[0], rng.choice(choices)) if choices and rng.random() < share else hit[0]

    return _WORD.sub(other, text)


def _each(text: str, table: Mapping[str, str], share: float, rng: random.Random) -> str:
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, table)) + r")\b", re.IGNORECASE)
    return pattern.sub(lambda hit: _like(hit[0], table[hit[0].lower()]) if rng.random() < share
                       and hit[0].lower() in table else hit[0], text)  # fmt: skip


def _shuffled(lines: list[str], share: float, rng: random.Random) -> list[str]:
    """Neighbouring points of lists without numbers swapped."""
    out = list(lines)
    for at in range(0, len(out) - 1, 2):
        both = [re.match(r"\s*[-*•]\s", line) for line in out[at : at + 2]]
        if all(both) and rng.random() < share:
            out[at], out[at + 1] = out[at + 1], out[at]
    return out


def _articles(text: str) -> str:
    return _ARTICLE.sub(lambda hit: f"{hit[1]}{'n' if hit[2] in 'aeiouAEIO' else ''} ", text)


def _random(text: str) -> random.Random:
    """Draws that are the same for the same text."""
    return random.Random(hashlib.sha256(text.encode("utf-8", "replace")).digest())  # noqa: S311 - texts, no secrets


def _like(old: str, new: str) -> str:
    return _upper(new) if old[0].isupper() else new


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text if re.match(r"(I\b|[A-Z]\w*[A-Z])", text) else text[:1].lower() + text[1:]


def _third(word: str) -> str:
    """The plural of a noun, the third person of a verb."""
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")


def _past(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    return _doubled(word) + "ed" if not re.search(r"[^aeiou]y$", word) else word[:-1] + "ied"


def _going(word: str) -> str:
    return (word[:-1] if re.search(r"[^eo]e$", word) else _doubled(word)) + "ing"


def _doubled(word: str) -> str:
    return word + word[-1] if word in {"stir", "chat", "plan", "permit", "occur", "defer"} else word
