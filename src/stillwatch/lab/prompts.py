"""What requests say: head, filling, context and tail by the specification of who asks."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stillwatch.lab.columns import Column
from stillwatch.lab.grammar import Grammar, Pieces, languages
from stillwatch.lab.infrastructure import COUNTRIES
from stillwatch.lab.keyed import Ints, Keys, below, choose, keys, uniform
from stillwatch.lab.spec import Talk

_VIRAL = 400  # popular prompts in circulation
_RETRIED = 0.03  # share of requests that repeat the one before
_FOLLOWS = 0.35  # share of later turns that only continue the conversation
_SENTENCES = 4  # most sentences of context
_LANGUAGE = np.array([languages().index(row[3]) if row[3] else -1 for row in COUNTRIES])


@dataclass(frozen=True, slots=True)
class Askers:
    """The requests of one group in a slice, as columns; ``tasks`` is how many the group sends in all."""

    account: Keys
    group: Keys
    session: Keys
    turn: Ints
    task: Ints
    country: Ints
    tasks: int


class Source(Protocol):
    """Where the text comes from: the grammar, or corpora. Each method gives one row of pieces a key."""

    def fill(self, kind: str, key: Keys, topic: Ints, country: Ints) -> Pieces:
        """Fillings of a kind; ``country`` is where the asker is, for its language."""

    def work(self, kind: str, key: Keys, topic: Ints, task: Ints) -> Pieces:
        """Fillings of a work queue, by place in the queue."""

    def head(self, name: str, key: Keys, topic: Ints, redraw: Keys, redrawn: float) -> Pieces:
        """The repeated part of prompts, each piece redrawn with probability ``redrawn``."""

    def context(self, key: Keys, topic: Ints) -> Pieces:
        """A sentence of the asker's own circumstances."""


class GrammarSource:
    """Text in the lab's own words."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def fill(self, kind: str, key: Keys, topic: Ints, country: Ints) -> Pieces:
        """Fillings of a kind; ``foreign`` speaks the country's language, ``many_tongues`` any, at more length."""
        if kind == "foreign":
            return self._foreign(_LANGUAGE[country], key, topic)
        if kind == "many_tongues":
            tongue = below(len(languages()), key, "tongue")
            return np.hstack([self._foreign(tongue, keys(key, i), topic) for i in range(3)])
        if kind == "seeds":
            return np.hstack([self._grammar.expand("item", keys(key, i), topic) for i in range(3)])
        return self._grammar.expand(kind, key, topic)

    def work(self, kind: str, key: Keys, topic: Ints, task: Ints) -> Pieces:
        """Fillings of a work queue: the grammar never runs out, so the key alone draws them."""
        return self.fill(kind, key, topic, np.zeros(len(key), dtype=np.int64))

    def head(self, name: str, key: Keys, topic: Ints, redraw: Keys, redrawn: float) -> Pieces:
        """The repeated part of prompts."""
        return self._grammar.expand(name, key, topic, redraw=redraw if redrawn else None, redrawn=redrawn)

    def context(self, key: Keys, topic: Ints) -> Pieces:
        """A sentence of the asker's own circumstances."""
        return self._grammar.expand("context", key, topic)

    def _foreign(self, tongue: Ints, key: Keys, topic: Ints) -> Pieces:
        """Questions in the language of each row; English where it is -1."""
        parts = []
        for i, name in enumerate(("ask", *languages())):
            rows = np.nonzero(tongue == i - 1)[0]
            if len(rows):
                parts.append((rows, self._grammar.expand(name, key[rows], topic[rows])))
        return scatter(len(key), parts)


def scatter(size: int, parts: list[tuple[Ints, Pieces]]) -> Pieces:
    """Rows of pieces of several widths, put in their places; rows that no part names stay empty."""
    whole = np.zeros((size, max((piece.shape[1] for _, piece in parts), default=1)), dtype=np.int32)
    for rows, pieces in parts:
        whole[rows, : pieces.shape[1]] = pieces
    return whole


def _filling_keys(talk: Talk, who: Askers) -> tuple[Keys, Ints]:
    """What draws each filling (the asker's own moment, the group's next task, or one text of a bank), and the task."""
    again = uniform("again", who.session, who.turn)
    turn = who.turn - ((again < _RETRIED) & (who.turn > 0))
    task = who.task - ((again < _RETRIED / 2) & (who.task > 0))
    own = keys(who.session, turn, "own words")
    if talk.fill_scope == "task":
        own = keys(who.group, "task", task)
    elif talk.fill_scope == "bank":
        own = keys(who.group, "bank", below(talk.bank, own, "bank"))
    popular = keys("popular", np.floor((_VIRAL + 1) ** uniform("which", own)))
    return np.where(uniform("viral", own) < talk.viral, popular, own), task


def _heads(talk: Talk, who: Askers, grammar: Grammar, source: Source) -> Pieces:
    """The part that repeats, drawn with the key of the account or the group, in a few variants.

    While a campaign probes it tries all variants alike; then most requests carry the first.
    """
    scope = who.account if talk.head_scope == "account" else who.group
    draw = uniform("variant", who.session, who.turn)
    probing = who.task < talk.probing * who.tasks
    skew = np.where(probing, 1.0, 1.5 if talk.probing == 0 else 4.0)
    variant = np.floor(talk.variants * draw**skew)
    key, redraw = keys(scope, "head", variant), keys(who.session, who.turn, "paraphrase")
    which = choose([weight for _, weight in talk.head], key, "which head")
    topic = below(grammar.topics, keys(scope, "head topic"))
    parts = []
    for i, (name, _) in enumerate(talk.head):
        rows = np.nonzero(which == i)[0]
        if len(rows):
            parts.append((rows, source.head(name, key[rows], topic[rows], redraw[rows], talk.paraphrase)))
    carried = uniform("templated", who.session, who.turn) < talk.templated
    return np.where(carried[:, None], scatter(len(key), parts), 0)


def _tails(talk: Talk, who: Askers, key: Keys, topic: Ints, grammar: Grammar) -> Pieces:
    """What follows the filling: the end of the template, or an answer that is to be judged."""
    if talk.tail != "criterion":
        key = who.account if talk.head_scope == "account" else who.group
    return grammar.expand(talk.tail, keys(key, "tail"), topic)


def prompts(talk: Talk, who: Askers, grammar: Grammar, source: Source) -> Column:
    """The prompts of one group's requests in a slice."""
    key, task = _filling_keys(talk, who)
    taste = keys(who.account, "topic", below(3, key, "taste"))
    topic = below(grammar.topics, key if talk.many_topics or talk.fill_scope != "own" else taste)
    follows = (who.turn > 0) & (uniform("follow", key) < _FOLLOWS) & (talk.fill_scope == "own" and not talk.head)
    parts = []
    if follows.any():
        rows = np.nonzero(follows)[0]
        parts.append((rows, grammar.expand("followup", key[rows], topic[rows])))
    drawn = choose([weight for _, weight in talk.fill], key, "kind")
    for i, (kind, _) in enumerate(talk.fill):
        rows = np.nonzero((drawn == i) & ~follows)[0]
        if not len(rows):
            continue
        if talk.fill_scope == "task":
            filled = source.work(kind, key[rows], topic[rows], task[rows])
        else:
            filled = source.fill(kind, key[rows], topic[rows], who.country[rows])
        parts.append((rows, filled))
    segments = [scatter(len(key), parts)]
    for sentence in range(_SENTENCES if talk.context else 0):
        rows = np.nonzero((uniform("context", key, sentence) < talk.context / _SENTENCES) & ~follows)[0]
        if len(rows):
            segments.append(scatter(len(key), [(rows, source.context(keys(key[rows], sentence), topic[rows]))]))
    if talk.head:
        segments.insert(0, _heads(talk, who, grammar, source))
    if talk.tail:
        segments.append(_tails(talk, who, key, topic, grammar))
    return grammar.spell(*segments)


def system_prompts(kind: str, who: Askers, program: Ints, grammar: Grammar) -> Column | None:
    """System prompts: of the account's app, of the group, or the public one of a program; None for none."""
    if kind == "none":
        return None
    scope = {"account": who.account, "group": who.group, "public": keys("program", program)}[kind]
    key = keys(scope, "system")
    topic, length = below(grammar.topics, key), 1 if kind == "account" else 4
    return grammar.spell(*(grammar.expand("system", keys(key, i), topic) for i in range(length)))
