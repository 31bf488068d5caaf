"""The acts of the demo, in their order. What they tell is read from what commands, servers and files gave back."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import pyarrow.parquet as pq

from stillwatch.cli.demo.parties import COLLECTION, Hub, Provider, Row, until
from stillwatch.cli.demo.running import StepError, run
from stillwatch.console.story import Story
from stillwatch.console.words import plural
from stillwatch.lab.callers import Answered

T = TypeVar("T")
#: Requests of each kind of customer that are sent through a gate.
CAMPAIGN, INNOCENT, PROGRAMME = 40, 40, 10
HUB: Final = "hub"
TRUSTEE: Final = "trustee"
AUDITOR: Final = "auditor"
#: Why a check of the audit is not examined here: what the demo's auditor does not bring.
_LACKS: Final = {
    "known": ", as this is its first audit",
    "witnessed": ", as the demo has no witness",
    "opened": ", as no object was handed over to it",
}


@dataclass(slots=True)
class Cast:
    """Who plays, and what the acts hand on.

    Attributes:
        out: the demo's folder.
        day: of the simulated log, with the truth that no party reads.
        first: the provider at which most of the campaign's accounts are.
        others: those that are warned.
        minted: objects that left the first.
        warned: of each of the others, the accounts that a fetched indicator is true of.
        found: of each provider, the campaigns that it has found in its own log.
        next_requests: of each provider, what its gate answered to the campaign and to others.
    """

    out: Path
    day: Path
    hub: Hub
    first: Provider
    others: tuple[Provider, ...]
    story: Story
    stack: ExitStack
    minted: list[Row] = field(default_factory=list)
    warned: dict[str, list[str]] = field(default_factory=dict)
    found: dict[str, list[Row]] = field(default_factory=dict)
    next_requests: list[tuple[list[Answered], list[Answered]]] = field(default_factory=list)

    @property
    def providers(self) -> tuple[Provider, ...]:
        """All of them."""
        return (self.first, *self.others)


def together(work: Callable[[Provider], T], some: Sequence[Provider]) -> list[T]:
    """Do the same at several providers at once; they are different companies, and this machine has two cores."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, some))


def demand(true: bool, what: str, where: str) -> None:
    """Go on only if a step did its job.

    Raises:
        StepError: it did not.
    """
    if not true:
        raise StepError(what, where=where)


def deal_out(cast: Cast, requests: int, seed: int, shares: dict[str, float]) -> None:
    """One day of traffic, dealt out to three providers who know nothing of each other."""
    story = cast.story
    story.act("One campaign, three providers")
    made = run("lab", "generate", "--scenario", "demo", "--requests", str(requests), "--seed", str(seed), "--out",
               cast.day.name, "--quiet", cwd=cast.out)  # fmt: skip
    story.typed("lab", made.typed)
    to = [word for name, share in shares.items() for word in ("--provider", f"{name}={share:g}")]
    dealt = run("lab", "deal", cast.day.name, "--out", ".", *to, "--so-far", "0.8", "--until-now", cwd=cast.out)
    story.typed("lab", dealt.typed)
    rows = re.findall(
        r"(?m)^(.+): (\S+) requests, (\S+) to come, (\S+) accounts, (\S+) of them of campaigns$", dealt.out
    )
    demand(len(rows) == len(shares), dealt.out.strip(), "lab deal")
    story.table(("", "requests so far", "still to come", "accounts", "of the campaign (truth, told to nobody)"), rows)


def look_alone(cast: Cast) -> None:
    """Each provider looks at its own log."""
    story = cast.story
    story.act("Each looks at its own log")
    found = together(lambda p: p.detect("alone", "--threads", "1"), cast.providers)
    for provider, campaigns in zip(cast.providers, found, strict=True):
        story.typed(provider.name, provider.ran[-1].typed)
        story.says(provider.name, _told(campaigns), "bold red" if campaigns else "")
        cast.found[provider.name] = campaigns
    demand(bool(cast.found[cast.first.name]), "the first provider finds no campaign", "detect")
    story.view(cast.first.name, "its own requests and accounts", "that the same campaign is at others too")


def _told(campaigns: Iterable[Row]) -> str:
    return " ".join(
        f"{plural(len(c['accounts']), 'account')} acting as one, q = {c['q_value']:.2g}: {'; '.join(_strongest(c))}."
        for c in campaigns
    ) or "no campaign found: too few accounts to stand out"  # fmt: skip


def _strongest(campaign: Row) -> list[str]:
    """The best sentence of each of the three strongest families of evidence."""
    best: dict[str, str] = {}
    for each in sorted(campaign["evidence"], key=lambda e: float(e["p_value"])):
        best.setdefault(each["family"], str(each["summary"]).rstrip("."))
    return list(best.values())[:3]


def found_forum(cast: Cast) -> None:
    """A hub, and three members."""
    story = cast.story
    story.act("A hub, and three members")
    cast.hub.open(cast.stack)
    begin = len(cast.hub.typed)
    for command in (cast.hub.typed[0], cast.hub.typed[-1]):  # between them: the keys for matching, of act 6
        story.typed(HUB, command)
    for provider in cast.providers:
        cast.hub.admit(provider)
        for command in cast.hub.typed[begin:] if provider is cast.first else cast.hub.typed[begin : begin + 1]:
            story.typed(HUB, command)
        begin = len(cast.hub.typed)
        story.typed(provider.name, provider.ran[-1].typed)
        story.says(provider.name, f"is {provider.pseudonym} to everybody but the hub")


def guard_and_push(cast: Cast) -> None:
    """What was found becomes indicators; the guard keeps back what may not leave."""
    story, first = cast.story, cast.first
    story.act("What may leave, and what may not")
    made = first.run(
        "indicators", "mint", "alone", "--drill", "--out", "minted.json", "--identity", first.pseudonym
    )  # fmt: skip
    story.typed(first.name, made.typed)
    cast.minted = first.json("minted.json")["objects"]
    kinds = Counter(each["type"] for each in cast.minted)
    story.says(first.name, f"{plural(len(cast.minted), 'object')}: {_kinds(kinds)}")
    wishes = _draft(cast)
    added = ", ".join(pointer[1:] for pointer in wishes)
    story.says(first.name, f"draft.json: one of these indicators, to which an analyst has added {added}")
    checked = first.run("guard", "check", "draft.json", "--objections", "--purpose", "drill", "--submitter",
                        first.pseudonym, expect=(3,))  # fmt: skip
    story.typed(first.name, checked.typed)
    refused = re.findall(r"^ +withhold +(/\S+) +(.*)$", checked.out, re.MULTILINE)
    for pointer, why in refused:
        story.says(first.name, f"✗ {pointer} = {wishes.get(pointer, '')}  {why}", "red")
    demand({pointer.split("/")[1] for pointer, _ in refused} >= {p[1:] for p in wishes}, "not refused", "guard check")
    push = ("--collection", COLLECTION, "--drill", "--state", "member")
    sent = first.run("forum", "push", "draft.json", *push, expect=(3,))
    story.typed(first.name, sent.typed)
    story.says(first.name, f"the draft stays: {sent.out.strip()}", "red")
    sent = first.run("forum", "push", "minted.json", *push)
    story.typed(first.name, sent.typed)
    story.says(first.name, f"without those fields, the guard lets it pass: {sent.out.strip()}", "green")
    accepted = re.search(r"(\d[\d,]*) accepted, 0 refused, 0 pending", sent.out)
    demand(bool(accepted), sent.out.strip(), "forum push")
    _nothing_of(cast, first, HUB, [cast.hub.folder])


def _draft(cast: Cast) -> dict[str, str]:
    """An indicator with what an analyst would like to tell beside, from the real findings; JSON pointer -> value."""
    campaign = cast.found[cast.first.name][0]
    more = {
        "x_accounts": campaign["accounts"][:2],
        "x_output_tokens_sold": campaign["output_tokens"],
        "x_we_blocked_them": True,
    }
    indicator = next(each for each in cast.minted if each["type"] == "indicator")
    draft = {"type": "bundle", "id": f"bundle--{indicator['id'].partition('--')[2]}", "objects": [indicator | more]}
    (cast.first.folder / "draft.json").write_text(json.dumps(draft), encoding="utf-8")
    return {f"/{name}": json.dumps(value) for name, value in more.items()}


def _kinds(kinds: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())


def _nothing_of(cast: Cast, whose: Provider, party: str, places: Sequence[Path]) -> None:
    """Search what a party holds for customers of ``whose``; and ``whose`` own findings, to see it work."""
    secrets = whose.secrets()
    findings = whose.folder / ("alone" if whose is cast.first else "found") / "campaigns.json"
    searched, control = secrets.found_in(places), secrets.found_in([findings])
    demand(not searched.found, f"holds {sorted(searched.found)[:3]} of {whose.name}'s customers", party)
    demand(bool(control.found), "the search finds nothing where there is something", whose.name)
    not_saw = (
        f"any of {secrets.count:,} names, addresses, tokens and prompts of {whose.name}'s customers "
        f"({searched.size / 1e6:.1f} MB searched)"
    )
    kinds = Counter(each["type"] for each in cast.minted)
    cast.story.view(party, f"{kinds['indicator']:,} indicators and what belongs to them, by a pseudonym", not_saw)


def fetch_and_match(cast: Cast) -> None:
    """The others fetch, and look whom of theirs the indicators are true of."""
    story = cast.story
    story.act("The others fetch the indicators, and look at whom they are true of")

    def work(provider: Provider) -> list[Row]:
        provider.run("forum", "sync", "--state", "member")
        told = provider.run("forum", "match", "requests.parquet", "--accounts", "accounts.parquet", "--state", "member",
                            "--threads", "1", "--json", expect=(0, 3))  # fmt: skip
        return list(json.loads(told.out))

    for provider, rows in zip(cast.others, together(work, cast.others), strict=True):
        sync, match = provider.ran[-2:]
        story.typed(provider.name, sync.typed)
        story.says(provider.name, "; ".join(sync.out.strip().splitlines()))
        story.typed(provider.name, match.typed)
        matched = Counter(row["account"] for row in rows)
        cast.warned[provider.name] = sorted(matched)
        demand(bool(matched), "no indicator is true of any account", f"{provider.name}: forum match")
        story.says(provider.name, f"{plural(len(matched), 'account')} matched, pending local evidence")
        warned = [
            {"account_id": account, "campaign_id": (row["campaigns"] or [row["indicator"]])[0], "evidence": row["why"]}
            for account in sorted(matched)
            for row in [next(each for each in rows if each["account"] == account)]
        ]
        provider.write("warned.ndjson", warned)
        story.says(provider.name, f"warned.ndjson: a line for each of the {len(warned):,}, with campaign and reason")
        _nothing_of(cast, cast.first, provider.name, [provider.folder / "member"])


def warned_only(cast: Cast) -> None:
    """What the forum says is a reason to look: whoever is warned of is observed, and answered."""
    story = cast.story
    story.act("A warning alone touches nobody")
    together(lambda p: p.open_gate(cast.stack), cast.providers)
    for provider in cast.others:
        story.typed(provider.name, provider.gate)
        told = provider.publish("--warned", "warned.ndjson")
        story.typed(provider.name, provider.ran[-1].typed)
        story.says(provider.name, told.strip().splitlines()[0])
        rows = [row for row in provider.to_come() if row["account_id"] in set(cast.warned[provider.name])][:8]

        def seen(provider: Provider = provider, rows: list[Row] = rows) -> bool:
            answers = provider.send(rows)
            demand(all(each.served for each in answers), "refused without local evidence", provider.name)
            return any(_unconfirmed(line) for line in provider.decisions())

        until(seen, 30, f"{provider.name}'s gate observes whom the forum warns of")
        lines = provider.decisions()
        demand({line["measure"] for line in lines} == {"observe"}, "more than observed", provider.name)
        why = next(text for line in lines if (text := _unconfirmed(line)))
        story.says(provider.name, f"{len(lines):,} requests of them answered in full, and observed. {why}")


def _unconfirmed(decision: Row) -> str:
    """Why a decision goes no further than to observe, where it is for want of local evidence."""
    return next((str(each["text"]) for each in decision["reasons"] if each["code"] == "unconfirmed"), "")


def confirm(cast: Cast) -> None:
    """The others test whom they were pointed to on their own logs."""
    story = cast.story
    story.act("Confirmed on their own logs, or not at all")
    indicator = next(each for each in cast.minted if each["type"] == "indicator")["id"]
    found = together(lambda p: p.detect("found", "--indicators", "member", "--threads", "1"), cast.others)
    for provider, campaigns in zip(cast.others, found, strict=True):
        story.typed(provider.name, provider.ran[-1].typed)
        story.says(provider.name, _told(campaigns), "bold red")
        demand(bool(campaigns), "the campaign is not confirmed", f"{provider.name}: detect --indicators")
        cast.found[provider.name] = campaigns
        told = {account for each in campaigns for account in each["accounts"]}
        dropped = set(cast.warned[provider.name]) - told
        story.says(provider.name, f"{plural(len(dropped), 'account')} matched without own evidence: nothing follows")
        said = provider.run("forum", "feedback", "confirmation", indicator, "--collection", COLLECTION, "--state",
                            "member", "--count", str(len(told)))  # fmt: skip
        story.typed(provider.name, said.typed)
        _nothing_of(cast, provider, HUB, [cast.hub.folder])
    standing = cast.hub.standing(cast.first, indicator)
    demand(standing["standing"] == "confirmed", f"the hub tells {standing}", "standing")
    story.says(cast.first.name, f"the hub says of the indicator: {_said(standing)}")
    names = [each.pseudonym for each in cast.others if each.pseudonym in json.dumps(standing)]
    demand(not names, "the standing names members", "standing")
    agreed = f"that its indicator is {standing['standing']} by others"
    story.view(cast.first.name, agreed, "by whom, and of which accounts")


def _said(standing: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in standing.items() if name != "object")


def stop(cast: Cast) -> None:
    """Verdicts reach the gates; the campaign's next requests get the measure, nobody else's do."""
    story = cast.story
    story.act("Stopped")
    table: list[tuple[str, str, str, str]] = []
    for provider in cast.providers:
        folder = "alone" if provider is cast.first else "found"
        told = provider.publish("--findings", folder)
        story.typed(provider.name, provider.ran[-1].typed)
        story.says(provider.name, told.strip().splitlines()[0])
        accused = {account for each in cast.found[provider.name] for account in each["accounts"]}
        rows, programme = provider.to_come(), provider.programme()
        theirs = [row for row in rows if row["account_id"] in accused][:CAMPAIGN]
        rest = [row for row in rows if row["account_id"] not in accused | programme][:: max(1, len(rows) // INNOCENT)]
        covered = [row for row in rows if row["account_id"] in programme][:PROGRAMME]
        demand(bool(theirs and rest), "nobody sends anything any more", provider.name)
        one = theirs[:1]
        until(lambda p=provider, one=one: not p.send(one)[0].served, 30, f"{provider.name}'s gate")  # type: ignore[misc]
        until(lambda p=provider: _begun(p), 10, f"{provider.name}'s measures begin")  # type: ignore[misc]
        answers = [provider.send(some) for some in (theirs, rest, covered)]
        demand(not any(each.served for each in answers[0]), "the campaign goes on", provider.name)
        demand(all(each.served for some in answers[1:] for each in some), "a customer is refused", provider.name)
        refusal = answers[0][0]
        whole = json.dumps(dict(refusal.told)) if not table else f"{refusal.code}, measure {refusal.told['measure']}"
        story.says(provider.name, f"{refusal.status} {whole}", "red")
        cast.next_requests.append((answers[0], answers[1] + answers[2]))
        table.append((provider.name, _tally(answers[0]), _tally(answers[1]), _tally(answers[2])))
    story.table(("next requests", "of the campaign", "of other customers", "of an authorised programme"), table)
    demand(any(provider.programme() for provider in cast.providers), "no programme is anywhere", "authorised.toml")


def _begun(provider: Provider) -> bool:
    """Whether every measure has begun: each has a moment of its own within two seconds."""
    begun = [int(row["since"]) for row in provider.measures()]
    return bool(begun) and time.time_ns() // 1000 > max(begun) + 3_000_000


def _tally(answers: Sequence[Answered]) -> str:
    refused = [each for each in answers if not each.served]
    return f"{len(answers) - len(refused)} of {len(answers)} answered" if answers else "none here"


def appeal(cast: Cast) -> None:
    """A customer objects, a person agrees, and the measure is lifted."""
    story, provider = cast.story, cast.others[0]
    story.act("An appeal, upheld")
    accused = {account for each in cast.found[provider.name] for account in each["accounts"]}
    row = next(row for row in provider.to_come() if row["account_id"] in accused)
    (before,) = provider.send([row])
    measure = str(before.told.get("measure", ""))
    demand(bool(measure), "the refusal names no measure", provider.name)
    for words in (
        ("appeal", measure, "--state", "gate", "--statement", "We grade our own course with these prompts."),
        ("settle", measure, "--state", "gate", "--upheld", "--by", "Ann", "--why", "The course exists; checked."),
    ):
        story.typed(provider.name, provider.run("gate", *words).typed)
    provider.publish("--findings", "found")
    until(lambda: provider.send([row])[0].served, 30, "the measure is lifted")
    others = [each for each in provider.to_come() if each["account_id"] in accused - {row["account_id"]}][:10]
    demand(not any(each.served for each in provider.send(others)), "others are let through too", provider.name)
    told = provider.run("gate", "feedback", "--state", "gate", "--out", "appeals").out.strip()
    story.says(provider.name, f"refused before ({before.code}), answered now; the {len(others)} others are not. {told}")


def audit(cast: Cast) -> None:
    """An auditor takes the log away and verifies it, without the hub."""
    story = cast.story
    story.act("The auditor, offline")
    exported = cast.hub.run("forum", "export", "../auditor/log")
    story.typed(HUB, exported.typed)
    cast.stack.close()  # gates and hub are gone
    done = run("forum", "audit", "log", "--log-key", cast.hub.log_key, "--json", cwd=cast.out / "auditor")
    story.typed(AUDITOR, done.typed)
    found = json.loads(done.out)
    passed = [each for each in found["checks"] if each["outcome"] == "passed"]
    demand(found["passed"] and bool(passed), "the log does not hold", "forum audit")
    open_ = [each for each in found["checks"] if each["outcome"] != "passed"]
    story.says(AUDITOR, f"✓ {plural(len(passed), 'check')} passed, among them:", "green")
    for name in ("whole", "readable", "decided", "fetched", "compared"):
        story.says(AUDITOR, next((f"✓ {each['says']}" for each in passed if each["name"] == name), name), "green")
    for each in open_:
        story.says(AUDITOR, f"- {each['says']}: {each['outcome']}{_LACKS.get(each['name'], '')}", "dim")
    log = cast.out / "auditor" / "log" / "entries.jsonl"
    entries = Counter(json.loads(line)["type"] for line in log.read_text("utf-8").splitlines())
    for provider in cast.providers:
        searched = provider.secrets().found_in([log])
        demand(not searched.found, "the log holds a customer's name", provider.name)
    story.view(AUDITOR, f"{found['size']:,} entries: {_kinds(entries)}", "an object, a customer, or who a pseudonym is")


def score(cast: Cast) -> str:
    """What was found and stopped, and how right the parties were, by the truth that none of them had."""
    kinds = {row["group"]: row["kind"] for row in json.loads((cast.day / "truth" / "groups.json").read_text("utf-8"))}
    truth = pq.read_table(cast.day / "truth" / "accounts.parquet").to_pylist()
    guilty = {row["account_id"] for row in truth if kinds[row["group"]] == "campaign"}
    accused = {a for found in cast.found.values() for each in found for a in each["accounts"]}
    wrong, right = len(accused - guilty), len(accused & guilty)
    innocent = len(truth) - len(guilty)
    theirs = [each for some, _ in cast.next_requests for each in some]
    others = [each for _, some in cast.next_requests for each in some]
    return (
        f"Found: {right:,} of the campaign's {len(guilty):,} accounts, at {plural(len(cast.found), 'provider')}; "
        f"{wrong:,} of {innocent:,} innocent ones accused. "
        f"Stopped: {_refused(theirs):,} of the {len(theirs):,} requests that the campaign sent next; "
        f"{_refused(others):,} of {len(others):,} of others."
    )


def _refused(answers: Sequence[Answered]) -> int:
    return sum(not each.served for each in answers)


def reports(cast: Cast, shown: Path) -> str:
    """Where the reports lie, the demo's folder being ``shown``."""
    found = sorted(each.relative_to(cast.out) for each in cast.out.glob("*/*/report.html"))
    return f"Reports, to open in a browser: {', '.join(str(shown / each) for each in found)}."
