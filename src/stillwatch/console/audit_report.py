"""The auditor's report on a log: for the terminal, as JSON, and as one page of HTML for a regulator."""

from functools import lru_cache
from pathlib import Path

import msgspec
from jinja2 import Environment
from rich.console import Console
from rich.text import Text

from stillwatch.console import words
from stillwatch.console.pages import own, policy, templates
from stillwatch.forum.ledger.audit import FAILED, OPEN, PASSED, SKIPPED, Audit, Check
from stillwatch.storage.files import write_whole

#: Remarks of one check that the terminal shows, and rows of a table that the page shows; all are in the JSON.
REMARKS = 5
ROWS = 2000
_STYLES = {PASSED: "green", FAILED: "bold red", OPEN: "yellow", SKIPPED: "dim"}
_MARKS = {PASSED: "✓", FAILED: "✗", OPEN: "…", SKIPPED: "–"}


def headline(audit: Audit) -> str:
    """What the audit came to, in a sentence."""
    failed = sum(each.outcome == FAILED for each in audit.checks)
    if failed:
        return f"{words.plural(failed, 'check')} of the log failed"
    if any(each.outcome == SKIPPED for each in audit.checks):
        return "The log holds, as far as it was examined"
    return "The log holds"


def standfirst(audit: Audit) -> str:
    """What was shared, withheld and looked up, in a few sentences."""
    held, waiting = audit.outcomes.get("withheld", 0), audit.outcomes.get("quarantined", 0)
    missing = sum(int(each["missing"]) for each in audit.recalls)
    return (
        f"{words.plural(audit.counts.get('submitted', 0), 'object')} submitted, {len(audit.shared):,} "
        f"shared, {held:,} withheld, {waiting:,} waiting for counsel. "
        f"{words.plural(len(audit.recalls), 'recall')}, "
        f"{words.plural(missing, 'acknowledgement')} missing. "
        f"{words.plural(len(audit.resolved), 'pseudonym')} looked up, "
        f"{words.plural(len(audit.appeals), 'appeal')} made."
    )


def limits(audit: Audit) -> list[str]:
    """What this audit does not show."""
    says = [
        "The log shows what the hub wrote into it. What passed outside of the hub, or was never logged, is not in it; "
        "members' own records and their objects can be compared with it."
    ]
    if audit.unrecorded:
        says.append(
            f"{words.plural(audit.unrecorded, 'member')} had rights before the log spoke of rights: what they read and "
            "wrote was not held against those."
        )
    skipped = {each.name for each in audit.checks if each.outcome == SKIPPED}
    if "witnessed" in skipped:
        says.append("No witness was named: the hub could have shown another log to somebody else.")
    if "known" in skipped:
        says.append("No earlier checkpoint was at hand: this log could have replaced an earlier one.")
    if "opened" in skipped:
        says.append(
            "No object was shown: what the shared objects say was not examined, only that they were decided on."
        )
    return says


def audit_json(audit: Audit) -> str:
    """The report as JSON: everything in it, equal bytes for equal audits."""
    content = {"format": "stillwatch-audit/1", "passed": audit.passed, **msgspec.to_builtins(audit)}
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def print_audit(audit: Audit, console: Console, report: Path | None = None) -> None:
    """Print the report to ``console``."""
    console.print(Text(headline(audit), "bold green" if audit.passed else "bold red"))
    console.print(Text(f"{words.printable(audit.origin)}: {audit.size:,} entries, root {audit.root}", "dim"))
    console.print(Text(standfirst(audit)))
    for check in audit.checks:
        _print_check(check, console)
    for each in limits(audit):
        console.print(Text(each, "dim"))
    if report is not None:
        console.print(Text(f"Report: {words.printable(str(report))}"))


def _print_check(check: Check, console: Console) -> None:
    console.print(Text(f"{_MARKS[check.outcome]} {check.says}: {check.outcome}", _STYLES[check.outcome]))
    for remark in check.remarks[:REMARKS]:
        place = "" if remark.entry is None else f"entry {remark.entry}: "
        console.print(Text(f"    {place}{words.printable(remark.text, 400)}"))
    if len(check.remarks) > REMARKS:
        console.print(Text(f"    and {len(check.remarks) - REMARKS:,} more", "dim"))


def audit_html(audit: Audit) -> bytes:
    """The report as UTF-8 HTML that needs no network and runs no script. Equal audits give equal bytes."""
    css = own("report.css")
    page = (
        _environment()
        .get_template("audit.html.j2")
        .render(
            audit=audit,
            headline=headline(audit),
            standfirst=standfirst(audit),
            limits=limits(audit),
            figures=_figures(audit),
            shared=_shared(audit),
            members=_members(audit),
            rows=ROWS,
            css=css,
            policy=policy(css),
        )
    )
    return page.encode("utf-8")


def write_audit(audit: Audit, folder: Path) -> Path:
    """Write ``audit.json`` and ``audit.html`` into ``folder``, each whole or not at all; gives the page's path.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder, {"audit.json": audit_json(audit).encode(), "audit.html": audit_html(audit)})
    return folder / "audit.html"


def _figures(audit: Audit) -> list[tuple[str, str]]:
    return [
        ("Entries", words.large(audit.size)),
        ("Submitted", words.large(audit.counts.get("submitted", 0))),
        ("Shared", words.large(len(audit.shared))),
        ("Withheld", words.large(audit.outcomes.get("withheld", 0))),
        ("Waiting for counsel", words.large(audit.outcomes.get("quarantined", 0))),
        ("Pages fetched", words.large(audit.counts.get("fetched", 0))),
        ("Recalls", words.large(len(audit.recalls))),
        ("Pseudonyms looked up", words.large(len(audit.resolved))),
        ("Appeals", words.large(len(audit.appeals))),
    ]


def _shared(audit: Audit) -> list[tuple[object, ...]]:
    return [
        (
            each.entry,
            _minute(each.time),
            each.type,
            each.object or each.item,
            each.actor,
            each.collection,
            each.by,
            each.state,
        )
        for each in audit.shared
    ]


def _members(audit: Audit) -> list[tuple[object, ...]]:
    kinds = ("submitted", "fetched", "reported", "acknowledged", "evaluated")
    return [(name, *(did.get(kind, 0) for kind in kinds)) for name, did in audit.members.items()]


def _minute(time: str) -> str:
    """The time of an entry without its seconds, which are in the JSON."""
    return time[:16].replace("T", " ")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = templates(())
    environment.filters["rows"] = lambda records: [
        tuple(_minute(cell) if name in ("time", "deadline") else cell for name, cell in each.items())
        for each in records
    ]
    environment.filters["minute"] = _minute
    return environment
