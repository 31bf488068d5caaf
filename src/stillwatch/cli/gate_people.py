"""``stillwatch gate measures|approve|release|confirm|appeal|settle|feedback``: what people have to say about measures.

Each adds an entry to the ledger; the next ``publish`` (or round of ``watch``) acts on it.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from stillwatch.cli.gate_options import FILE, FOLDER, known_state_option
from stillwatch.console.words import plural
from stillwatch.enforcement.ledger import Entry, History, What, stage
from stillwatch.errors import UsageError

if TYPE_CHECKING:
    from stillwatch.server.gate.state import State

_OUT = Console(highlight=False, markup=False, soft_wrap=True)
_BY = click.option("--by", required=True, metavar="NAME", help="The person who decides.")
_SIGNED = click.option("--key", type=FILE, help="The person's private key, whose public half the policy names.")
_WHY = click.option("--why", required=True, metavar="TEXT", help="The reason, for the record.")


def _add(state: "State", what: What, key: Path | None = None, **more: Any) -> None:
    entry = Entry(what, time.time_ns() // 1000, **more)
    if key:
        from stillwatch.forum.ledger import load_key
        from stillwatch.server.gate.people import signed

        entry = signed(entry, load_key(key))
    state.ledger.add([entry])


def _name(by: str) -> str:
    """A person's name in one spelling, so that nobody is two people.

    Raises:
        UsageError: it is empty.
    """
    name = " ".join(by.split()).casefold()
    if not name:
        raise UsageError("a person has a name", where="--by")
    return name


@click.command("measures")
@known_state_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def measures(state: "State", as_json: bool) -> None:
    """List the measures: what is in force now, and what it may become and when; checks that the record is whole."""
    history = History(state.ledger.entries())
    now = time.time_ns() // 1000
    for account, entry in sorted(history.measured.items()):
        appealed = entry.measure in history.open_appeals
        rung, later = stage(entry, now)
        if as_json:
            row = {"measure": entry.measure, "account": account, "campaign": entry.campaign, "in_force": rung,
                   "may_become": [{"rung": name, "from": begins} for name, begins in later], "rung": entry.rung,
                   "since": history.begun[account], "evidence": entry.text, "appealed": appealed}  # fmt: skip
            click.echo(json.dumps(row))
        else:
            then = "".join(f"; {name} from {_moment(begins)}" for name, begins in later)
            _OUT.print(f"{entry.measure}  {rung:8}  {account}  {entry.campaign}{then}{'  appealed' * appealed}")


def _moment(time: int) -> str:
    """Microseconds since the epoch as people read them."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


@click.command("approve")
@click.argument("campaign")
@known_state_option
@_BY
@click.option("--key", type=FILE, required=True, help="The person's private key, whose public half the policy names.")
@_WHY
def approve(campaign: str, state: "State", by: str, key: Path, why: str) -> None:
    """Approve the block of CAMPAIGN, for the accounts that are in it now; it takes several people, each with a key."""
    history = History(state.ledger.entries())
    if not any(entry.campaign == campaign for entry in history.measured.values()):
        raise UsageError(f"no account is under a measure for {campaign!r}", do="`stillwatch gate measures` lists them.")
    _add(state, "approved", key, campaign=campaign, by=_name(by), text=why)


@click.command("release")
@known_state_option
@click.option("--account", default="", help="Whom.")
@click.option("--campaign", default="", help="Or all accounts of a campaign.")
@_BY
@_SIGNED
@_WHY
def release(state: "State", account: str, campaign: str, by: str, key: Path | None, why: str) -> None:
    """Let accounts come under measures beyond the day's budget, or again after an appeal."""
    if bool(account) == bool(campaign):
        raise UsageError("give one of the two", where="--account, --campaign")
    _add(state, "released", key, account=account, campaign=campaign, by=_name(by), text=why)


@click.command("confirm")
@known_state_option
@click.option("--account", required=True, help="Whom the forum warned of.")
@click.option("--campaign", required=True, help="As the forum calls it.")
@click.option("--evidence", required=True, help="What the local log shows, for the record.")
@_BY
@_SIGNED
def confirm(state: "State", account: str, campaign: str, evidence: str, by: str, key: Path | None) -> None:
    """Record local evidence for what came from the forum; without it nothing more than observing follows."""
    _add(state, "confirmed", key, account=account, campaign=campaign, by=_name(by), text=evidence)


@click.command("appeal")
@click.argument("measure")
@known_state_option
@click.option("--statement", required=True, help="What the customer says.")
def appeal(measure: str, state: "State", statement: str) -> None:
    """Lodge a customer's appeal against MEASURE, the id that every refusal names."""
    entry = History(state.ledger.entries()).find(measure)
    _add(state, "appealed", account=entry.account, campaign=entry.campaign, measure=measure, text=statement)
    _OUT.print(
        f"the appeal of {entry.account} against {measure} is lodged; the measure stays until `gate settle {measure}`"
    )


@click.command("settle")
@click.argument("measure")
@known_state_option
@click.option("--upheld/--rejected", default=None, required=True, help="Whether the customer is right.")
@_BY
@_SIGNED
@_WHY
def settle(measure: str, state: "State", upheld: bool, by: str, key: Path | None, why: str) -> None:
    """Answer an appeal. Upheld, the measure ends, and none begins again unless a person releases the account."""
    history = History(state.ledger.entries())
    found = history.open_appeals.get(measure)
    if found is None:
        raise UsageError(
            f"no appeal against {measure!r} is open", do="`stillwatch gate measures` tells what was appealed."
        )
    what: What = "upheld" if upheld else "rejected"
    _add(state, what, key, account=found.account, campaign=found.campaign, measure=measure, by=_name(by), text=why)
    end = "is upheld; the next `gate publish` lifts the measure" if upheld else "is rejected; the measure stays"
    _OUT.print(f"the appeal of {found.account} against {measure} {end}")


@click.command("feedback")
@known_state_option
@click.option("--out", type=FOLDER, required=True, help="Directory for benign.ndjson and false_positives.ndjson.")
def feedback(state: "State", out: Path) -> None:
    """What upheld appeals teach: accounts to calibrate on, and campaigns that were wrong about somebody."""
    upheld = [entry for entry in state.ledger.entries() if entry.what == "upheld"]
    out.mkdir(parents=True, exist_ok=True)
    accounts = sorted({entry.account for entry in upheld})
    counts: dict[str, set[str]] = {}
    for entry in upheld:
        counts.setdefault(entry.campaign, set()).add(entry.account)
    _write(out / "benign.ndjson", [{"account_id": account} for account in accounts])
    rows = [{"campaign": c, "kind": "false_positive", "count": len(counts[c])} for c in sorted(counts)]
    _write(out / "false_positives.ndjson", rows)
    _OUT.print(f"{plural(len(accounts), 'account')} whose appeals were upheld, of {plural(len(counts), 'campaign')}")


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="ascii")
