"""What requests say: head, filling, context and tail by the specification of who asks."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from stillwatch.lab.grammar import Grammar, Pieces, languages
from stillwatch.lab.infrastructure import COUNTRIES
from stillwatch.lab.keyed import Ints, Keys, below, choose, keys, uniform
from stillwatch.lab.spec import Talk

_VIRAL = 400  # popular prompts in circulation
_LANGUAGE = np.array([languages().index(row[3]) if row[3] else -1 for row in COUNTRIES])


@dataclass(frozen=True, slots=True)
class Askers:
    """The requests of one group in a slice, as columns."""

    account: Keys
    organization: Keys
    group: Keys
    session: Keys
    turn: Ints
    task: Ints
    tasks: int  # requests of the group in all
    country: Ints

    def take(self, rows: Ints) -> "Askers":
        """Some of the requests."""
        columns = (self.account, self.organization, self.group, self.session, self.turn, self.task)
        return Askers(*(column[rows] for column in columns), self.tasks, self.country[rows])  # type: ignore[arg-type]


class Source(Protocol):
    """Where fillings come from: the grammar, or a corpus."""

    def fill(self, kind: str, key: Keys, topic: Ints, taste: Keys, country: Ints) -> Pieces:
        """One row of pieces a key."""


class GrammarSource:
    """Fillings in the lab's own words."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def fill(self, kind: str, key: Keys, topic: Ints, taste: Keys, country: Ints) -> Pieces:
        """One row of pieces a key; ``foreign`` speaks the country's language, ``many_tongues`` any."""
        if kind == "seeds":
            return np.hstack([self._grammar.expand("item", keys(key, i), topic) for i in range(3)])
        if kind not in ("foreign", "many_tongues"):
            return self._grammar.expand(kind, key, topic)
        count = len(languages())
        tongue = _LANGUAGE[country] if kind == "foreign" else below(count, key, "tongue")
        return foreign(self._grammar, tongue, key, topic)


def foreign(grammar: Grammar, tongue: Ints, key: Keys, topic: Ints) -> Pieces:
    """Questions in the language of each row; English where it is -1."""
    names = ("ask", *languages())
    return scatter(len(key), [
        (rows, grammar.expand(name, key[rows], topic[rows]))
        for i, name in enumerate(names) if len(rows := np.nonzero(tongue == i - 1)[0])
    ])  # fmt: skip


def scatter(size: int, parts: list[tuple[Ints, Pieces]]) -> Pieces:
    """Rows of pieces of several widths, put back in their places."""
    whole = np.zeros((size, max((piece.shape[1] for _, piece in parts), default=1)), dtype=np.int32)
    for rows, pieces in parts:
        whole[rows, : pieces.shape[1]] = pieces
    return whole


def _filling_keys(talk: Talk, who: Askers) -> Keys:
    """What draws each filling: the asker's own moment, the group's next task, or one text of a bank."""
    turn = who.turn - ((uniform("again", who.session, who.turn) < 0.03) & (who.turn > 0))  # a retry
    own = keys(who.session, turn, "own words")
    if talk.fill_scope == "task":
        own = keys(who.group, "task", who.task)
    elif talk.fill_scope == "bank":
        own = keys(who.group, "bank", below(talk.bank, own, "bank"))
    viral = uniform("viral", own) < talk.viral
    popular = keys("popular", np.floor((_VIRAL + 1) ** uniform("which", own)))
    return np.where(viral, popular, own)


def _heads(talk: Talk, who: Askers, grammar: Grammar, topic: Ints) -> Pieces:
    """The part that repeats: drawn with the key of the account, the organisation or the group, in a few variants."""
    scope = {"account": who.account, "organization": who.organization, "group": who.group}[talk.head_scope]
    variant = np.floor(talk.variants * uniform("variant", who.session, who.turn) ** 1.5)
    probing = who.task < talk.probing * who.tasks
    variant = np.where(probing | (talk.probing == 0), variant, below(2, who.session, who.turn, "winner") // 2)
    key = keys(scope, "head", variant)
    which = choose([weight for _, weight in talk.head], key, "which head")
    own = keys(scope, "head topic", 0)
    again = keys(who.session, who.turn, "paraphrase")
    head = scatter(len(key), [
        (rows, grammar.expand(name, key[rows], below(grammar.topics, own[rows]), redraw=again[rows], redrawn=talk.paraphrase))
        for i, (name, _) in enumerate(talk.head) if len(rows := np.nonzero(which == i)[0])
    ])  # fmt: skip
    return head


def prompts(talk: Talk, who: Askers, grammar: Grammar, source: Source) -> pa.Array:
    """The prompts of one group's requests in a slice."""
    fill_key = _filling_keys(talk, who)
    taste = below(3, fill_key, "taste")
    topic = below(grammar.topics, fill_key if talk.many_topics else keys(who.account, "topic", taste))
    drawn = choose([weight for _, weight in talk.fill], fill_key, "kind")
    follow = (who.turn > 0) & (talk.fill_scope == "own") & (not talk.head) & (uniform("follow", fill_key) < 0.35)
    parts = [
        (rows, grammar.expand("followup", fill_key[rows], topic[rows]))
        for rows in (np.nonzero(follow)[0],)
        if len(rows)
    ]
    for i, (kind, _) in enumerate(talk.fill):
        rows = np.nonzero((drawn == i) & ~follow)[0]
        if len(rows):
            taste_key = who.group if talk.fill_scope != "own" else who.account
            parts.append((rows, source.fill(kind, fill_key[rows], topic[rows], taste_key[rows], who.country[rows])))
    segments = [scatter(len(fill_key), parts)]
    for sentence in range(4 if talk.context else 0):
        present = (uniform("context", fill_key, sentence) < talk.context / 4) & ~follow
        extra = np.zeros((len(fill_key), 1), dtype=np.int32)
        if present.any():
            rows = np.nonzero(present)[0]
            extra = scatter(
                len(fill_key), [(rows, grammar.expand("context", keys(fill_key[rows], sentence), topic[rows]))]
            )
        segments.append(extra)
    if talk.head:
        head = _heads(talk, who, grammar, topic)
        carries = uniform("templated", who.session, who.turn) < talk.templated
        segments.insert(0, np.where(carries[:, None], head, 0))
    if talk.tail:
        scope = (
            fill_key
            if talk.tail in ("criterion",)
            else {"account": who.account, "organization": who.organization, "group": who.group}[talk.head_scope]
        )
        segments.append(grammar.expand(talk.tail, keys(scope, "tail"), topic))
    return grammar.spell(*segments)


def systems(kind: str, who: Askers, program: Ints, grammar: Grammar) -> pa.Array | None:
    """System prompts: of the account's app, of the group, or the public one of a program; None for none."""
    if kind == "none":
        return None
    scope = {"account": who.account, "group": who.group, "public": keys("program", program)}[kind]
    key = keys(scope, "system")
    topic = below(grammar.topics, key)
    first = grammar.expand("system", key, topic)
    if kind == "account":
        return grammar.spell(first)
    more = [grammar.expand("system", keys(key, i), topic) for i in range(3)]
    return grammar.spell(first, *more)
