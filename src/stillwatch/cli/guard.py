"""``stillwatch guard``: what may leave, why, and whether the policy does what it says."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from stillwatch.cli.grouped import few, grouped
from stillwatch.cli.groups import Group
from stillwatch.errors import UsageError
from stillwatch.forum.guard import BundleDecision, Context, Decision, Guard, Outcome, Policy, load
from stillwatch.forum.guard.chapters import source_text
from stillwatch.forum.guard.examples import try_examples
from stillwatch.forum.guard.interface import Line
from stillwatch.indicators.files import read_json
from stillwatch.schema import stix

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_POLICY = click.option("--policy", "policy_file", type=click.Path(path_type=Path, exists=True),
                       help="Policy: a file, or a folder of chapters.  [default: the one that is shipped]")  # fmt: skip
STAYS, FAILED = 3, 1


@click.group("guard", cls=Group)
def guard() -> None:
    """Check what may leave, try the policy's examples, and print the policy."""


@guard.command("check")
@click.argument("file", type=_FILE)
@_POLICY
@click.option("--switch", "switches", multiple=True, metavar="NAME=on|off", help="Position of a regime switch.")
@click.option("--purpose", default="", help="Purpose of the collection.  [default: the forum's]")
@click.option("--tlp", type=click.Choice(list(stix.TLP)), default="amber+strict", show_default=True,
              help="The strictest marking that the collection can honour.")  # fmt: skip
@click.option("--submitter", default="", metavar="ID", help="Identity that has to be the author.")
@click.option("--members-behind", type=click.IntRange(0), default=0, help="Members that stand behind a statistic.")
@click.option("--largest-share", type=click.IntRange(0, 100), default=100, help="Percent of it from the largest.")
@click.option("--at", "at", type=click.DateTime(), help="Time of the decision, UTC.  [default: now]")
@click.option("--objections", is_flag=True, help="Print only what is not released, and why not.")
@click.option("--verbose", is_flag=True, help="Name every object, where many have one verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def check(
    file: Path, policy_file: Path | None, switches: tuple[str, ...], purpose: str, tlp: str, submitter: str,
    members_behind: int, largest_share: int, at: datetime | None, objections: bool, verbose: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Say of everything in FILE (STIX 2.1) whether it may leave, and why.

    Exit status: 0 all of it may, 3 some of it stays or waits for counsel, 2 bad usage, 1 failure.
    """
    policy = load(policy_file)
    context = Context(at.replace(tzinfo=UTC) if at else datetime.now(UTC), tlp=tlp, switches=_positions(switches),
                      submitter=submitter, members_behind=members_behind, largest_share=largest_share)  # fmt: skip
    context = replace(context, purpose=purpose) if purpose else context
    document = read_json(file)
    told = Guard(policy).decide_document(document, context)
    ids = _ids(document, len(told.decisions))
    if as_json:
        click.echo(json.dumps(_as_json(told, ids, objections), indent=2))
    else:
        for line in _lines(told, ids, objections, verbose):
            click.echo(ascii(line)[1:-1])  # a pointer holds what a submitter wrote: it must not drive a terminal
    _tell(policy, told)
    if context.purpose != stix.DRILL and any(stix.of_drill(each) for each in _objects(document)):
        click.echo(f"Marked as a drill's: give --purpose {stix.DRILL} to ask for a drill's collection.", err=True)
    return 0 if told.outcome == Outcome.RELEASE else STAYS


@guard.command("test")
@_POLICY
def test(policy_file: Path | None) -> int:
    """Try the examples in the policy.

    Exit status: 0 all come out as they should, 1 some do not, 2 bad usage.
    """
    policy = load(policy_file)
    tried = try_examples(policy)
    for each in tried:
        click.echo(f"{'ok  ' if each.passed else 'FAIL'} {each.name}")
        if not each.passed:
            click.echo(f"     expected {each.expected}, got {each.decision.category} {each.decision.message!a}")
    failed = sum(not each.passed for each in tried)
    click.echo(f"{len(tried)} examples, {failed} failed: {policy.name}", err=True)
    return FAILED if failed or not tried else 0


@guard.command("policy")
@_POLICY
@click.option("--toml", is_flag=True, help="Print its TOML, as one file.")
@click.option("--sign-off", metavar="NAME", default="", help="Print what NAME adds to it to sign it off.")
@click.option("--role", default="counsel", show_default=True, help="Role of who signs off.")
def policy(policy_file: Path | None, toml: bool, sign_off: str, role: str) -> None:
    """Print the policy: what may leave and what never does, each rule with its sources."""
    found = load(policy_file)
    if toml:
        click.echo(source_text(policy_file), nl=False)
    elif sign_off:
        quoted = (json.dumps(each, ensure_ascii=True) for each in (sign_off, role))
        name, as_role = quoted
        click.echo(f"[[sign_off]]\nname = {name}\nrole = {as_role}\ndate = {date.today().isoformat()}\n"
                   f'digest = "{found.digest}"')  # fmt: skip
    else:
        for line in _in_words(found):
            click.echo(line)


def _positions(given: tuple[str, ...]) -> dict[str, bool]:
    told = {}
    for each in given:
        name, _, position = each.partition("=")
        if position not in ("on", "off"):
            raise UsageError(f"no position of a switch: {each!r}", where="--switch", do="Give NAME=on or NAME=off.")
        told[name] = position == "on"
    return told


def _objects(document: Any) -> list[Any]:
    found = document.get("objects", [document]) if isinstance(document, dict) else document
    return found if isinstance(found, list) else []


def _ids(document: Any, count: int) -> list[str]:
    found = [str(each.get("id", "")) if isinstance(each, dict) else "" for each in _objects(document)] if count else []
    return [id_ or f"object {place}" for place, id_ in enumerate(found)]


def _lines(told: BundleDecision, ids: list[str], objections: bool, verbose: bool) -> Iterator[str]:
    for line in told.lines:
        yield _line(line)
    alike = grouped(
        ((decision.outcome, _objecting(decision.lines) if objections else decision.lines), id_)
        for id_, decision in zip(ids, told.decisions, strict=True)
        if not objections or decision.outcome != Outcome.RELEASE
    )
    for (outcome, lines), some in alike.items():
        yield f"{few(some, every=verbose)}: {outcome}"
        for line in lines:
            yield _line(line)


def _line(line: Line) -> str:
    clause = line.clause
    why = f"{line.reason}. " if line.reason else ""
    source = f" [{', '.join(clause.sources)}]" if clause.sources else ""
    return f"  {line.outcome!s:10} {line.pointer or '(all of it)'}  {line.category}: {why}{clause.sentence}{source}"


def _as_json(told: BundleDecision, ids: list[str], objections: bool) -> dict[str, Any]:
    """The verdicts; with ``objections`` of what is not released, and only the lines that do not release it."""
    whole = Decision(told.outcome, told.lines, "")
    shown = [(id_, each) for id_, each in zip(ids, told.decisions, strict=True)
             if not objections or each.outcome != Outcome.RELEASE]  # fmt: skip
    if objections:
        shown = [(id_, replace(each, lines=_objecting(each.lines))) for id_, each in shown]
        whole = replace(whole, lines=_objecting(whole.lines))
    return {
        "outcome": str(told.outcome),
        "lines": json.loads(whole.verdict())["lines"],
        "objects": [{"id": id_, **json.loads(each.verdict())} for id_, each in shown],
    }


def _objecting(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(line for line in lines if line.outcome != Outcome.RELEASE)


def _tell(policy: Policy, told: BundleDecision) -> None:
    counts = {outcome: sum(each.outcome == outcome for each in told.decisions) for outcome in reversed(Outcome)}
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    click.echo(f"{len(told.decisions)} objects: {said}; {policy.name}", err=True)
    if not policy.approved:
        click.echo("No counsel has signed off this policy (stillwatch guard policy --sign-off NAME).", err=True)


def _in_words(found: Policy) -> Iterator[str]:
    file = found.file
    yield f"{found.name}, of {file.policy.date}. {file.policy.about}"
    signed = "; ".join(f"{each.name}, {each.role}, {each.date}" for each in found.signed_off)
    yield f"Signed off by: {signed or 'nobody yet'}"
    for title, kept in (("What may leave", "may"), ("What never leaves: no rule permits it", "never")):
        yield f"\n{title}"
        for category in file.category:
            if category.leaves == kept:
                yield f"  {category.title} [{', '.join(category.sources)}]"
                yield from (f"    {c.sentence} [{', '.join(c.sources)}]" for c in found.clauses.values()
                            if c.category == category.id)  # fmt: skip
    yield "\nFor counsel to read, or nobody's category"
    known = {category.id for category in file.category}
    yield from (f"  {c.sentence} [{', '.join(c.sources)}]" for c in found.clauses.values() if c.category not in known)
    yield "\nSwitches"
    yield from (f"  {each.name} ({'on' if each.default else 'off'}): {each.sentence}" for each in file.switch)
    appeals = found.file.appeals
    yield f"\nObjections: answered within {appeals.days} days, else {appeals.unanswered}. {appeals.sentence}".rstrip()
    waits = found.file.quarantine
    yield f"Quarantine: decided within {waits.days} days, else it stays. {waits.sentence}".rstrip()
    yield "\nSources"
    yield from (f"  {each.id}: {each.citation}. {each.says} Status: {each.status}." for each in file.source)
