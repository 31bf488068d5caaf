"""The act in which two members compare identifiers and neither shows any."""

import csv
import json

from stillwatch.cli.demo.acts import HUB, TRUSTEE, Cast, demand
from stillwatch.cli.demo.parties import KINDS, Provider
from stillwatch.cli.demo.running import Ran, run
from stillwatch.console.words import listed, plural

_STATE = ("--state", "member")


def compare_in_private(cast: Cast) -> None:
    """The first offers the identifiers of its campaign, another those of whom it was warned of."""
    story, asks, answers = cast.story, cast.first, cast.others[0]
    story.act(f"{asks.name} and {answers.name} compare identifiers, and neither shows any")
    cast.hub.open_trustee(cast.stack, cast.providers)
    story.typed(TRUSTEE, cast.hub.trustee)
    hub, trustee = cast.hub.keys
    for each in (asks, answers):
        each.run("forum", "compare", "setup", "--hub-key", hub, "--trustee-key", trustee, "--trustee",
                 cast.hub.trustee_url, *_STATE)  # fmt: skip
        each.run("forum", "sync", *_STATE)
    told = asks.run("forum", "identifiers", "alone", "requests.parquet", "--accounts", "accounts.parquet", "--out",
                    "identifiers.json", "--threads", "2")  # fmt: skip
    story.typed(asks.name, told.typed)
    own = answers.identifiers(cast.warned[answers.name])
    with (answers.folder / "identifiers.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("kind", "value"), *own])
    story.says(
        answers.name,
        f"identifiers.csv: the {len(own):,} addresses and payment instruments of the accounts that it was warned of",
    )
    kinds = [word for kind in KINDS for word in ("--kind", kind)]
    told = _compare(cast, asks, "offer", answers.pseudonym, *kinds, "--identifiers", "identifiers.json")
    session = told.out.split()[0]
    _compare(cast, answers, "answer", session, "--identifiers", "identifiers.csv", "--yes")
    for each in (asks, answers):
        each.run("forum", "compare", "sync", *_STATE, expect=(0, 3))
    (status,) = json.loads(answers.run("forum", "compare", "list", "--json", *_STATE).out)
    story.says(answers.name, f"{plural(len(own), 'identifier')} went in blinded; shared: {status['band']}")
    for each in (asks, answers):
        _compare(cast, each, "disclose", session, "--yes")
    asks.run("forum", "compare", "sync", *_STATE, expect=(0, 3))
    shared = [_shared(each, session) for each in (asks, answers)]
    demand(bool(shared[0]) and shared[0] == shared[1], "the two sides learn different things", "forum compare show")
    theirs = set(cast.warned[answers.name])
    behind = answers.behind(shared[1]) & theirs
    story.says(
        answers.name,
        f"{plural(len(shared[1]), 'identifier')} of its own are at {asks.name} too, behind {len(behind):,} of the "
        f"{len(theirs):,} accounts that it was warned of",
        "bold",
    )
    _nobody_else(cast, asks, answers, shared[0])


def _compare(cast: Cast, who: Provider, *words: str) -> Ran:
    done = who.run("forum", "compare", *words, *_STATE, expect=(0, 3))
    cast.story.typed(who.name, done.typed)
    return done


def _shared(who: Provider, session: str) -> set[tuple[str, str]]:
    """What ``who`` has learnt: those of its own identifiers that the other has too."""
    rows = json.loads(who.run("forum", "compare", "show", session, "--json", *_STATE).out)
    return {(row["kind"], row["value"]) for row in rows}


def _nobody_else(cast: Cast, asks: Provider, answers: Provider, shared: set[tuple[str, str]]) -> None:
    """What is not shared is nowhere but at home; the hub and the trustee have none of it at all."""
    both = {asks.name: asks.secrets(), answers.name: answers.secrets()}
    for who, other in ((asks, answers), (answers, asks)):
        own = both[who.name]
        found = {value for value in both[other.name].found_in([who.folder / "member"]).found if value not in own}
        demand(not found, f"holds what is {other.name}'s alone: {sorted(found)[:3]}", who.name)
        cast.story.view(
            who.name,
            f"which {len(shared):,} of its own identifiers {other.name} has too",
            f"any other of {other.name}'s",
        )
    status = [json.loads(line) for line in run("forum", "trustee", "status", cwd=cast.hub.trusted).out.splitlines()]
    asked = listed([f"{row['evaluated']:,}" for row in status])
    used = {
        TRUSTEE: f"{asked} blinded values, by pseudonym",
        HUB: f"who compares {' and '.join(KINDS)} with whom, and how far they are",
    }
    for party, place in ((HUB, cast.hub.folder), (TRUSTEE, cast.hub.trusted)):
        held = [each.found_in([place]) for each in both.values()]
        demand(not any(each.found for each in held), "holds an identifier", party)
        cast.story.view(party, used[party], f"one identifier: none in the {held[0].size / 1e6:.1f} MB it holds")
