"""The accounts of a campaign as compact columns, for the sortable table of the report."""

import json
from collections import Counter
from typing import Any

from markupsafe import Markup

from stillwatch.console.words import printable, utc
from stillwatch.schema.campaign import Campaign, Member

PHRASES = 1500  # distinct phrases kept a campaign: what few accounts share is counted instead, to bound the page


def ranked(campaign: Campaign) -> list[Member]:
    """Members in the order of the table: most sure first, then those with most requests."""
    return sorted(campaign.members, key=lambda m: (-m.score, -m.requests, m.account_id))


def shares(campaign: Campaign) -> dict[str, tuple[str, ...]]:
    """What each member shares with the others, in words: as the member says, or else as the campaign's ties list it.

    A tie lists at most 50 of its accounts, so for the others of a large campaign only what everyone shares is known.
    """
    told = {member.account_id: list(member.ties) for member in campaign.members}
    untold = {account for account, phrases in told.items() if not phrases}
    for tie in campaign.ties:
        everyone = tie.accounts_total >= len(campaign.accounts)
        for account in untold.intersection(campaign.accounts if everyone else tie.accounts):
            told[account].append(f"{tie.kind} {tie.value}")
    return {account: tuple(phrases) for account, phrases in told.items()}


def account_columns(campaign: Campaign) -> dict[str, Any]:
    """One list a column, in the order of :func:`ranked`; about 70 bytes an account as JSON.

    ``first`` and ``last`` are whole seconds after ``start`` (Unix time); ``ties`` holds indices into ``phrases``, and
    ``more`` counts an account's phrases that are too rare to be among them (all are in ``findings.json``).
    """
    members = ranked(campaign)
    start = min((int(utc(m.first_seen).timestamp()) for m in members), default=0)
    shared = shares(campaign)
    counts = Counter(phrase for member in members for phrase in shared[member.account_id])
    phrases = [phrase for phrase, _ in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))[:PHRASES]]
    place = {phrase: index for index, phrase in enumerate(phrases)}
    return {
        "start": start,
        "id": [printable(m.account_id, 200) for m in members],
        "score": [round(m.score, 3) for m in members],
        "requests": [m.requests for m in members],
        "total": [m.requests_total for m in members],
        "tokens": [m.output_tokens for m in members],
        "first": [int(utc(m.first_seen).timestamp()) - start for m in members],
        "last": [int(utc(m.last_seen).timestamp()) - start for m in members],
        "phrases": [printable(phrase, 200) for phrase in phrases],
        "ties": [[place[phrase] for phrase in shared[m.account_id] if phrase in place] for m in members],
        "more": [sum(phrase not in place for phrase in shared[m.account_id]) for m in members],
    }


def embedded(data: object) -> Markup:
    """JSON that is safe inside a ``script`` element: nothing in it can close the element or open another."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
