"""From what is known to a snapshot that gates read: findings, indicators, programmes and owners put together.

Publishing runs apart from the gates: however long it takes, no request waits.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import pyarrow.parquet as pq
from msgspec import Meta, Struct

from stillwatch.campaigns import read_programmes
from stillwatch.enforcement import Policy, Verdict
from stillwatch.enforcement.interface import FORUM
from stillwatch.enforcement.ledger import History
from stillwatch.enforcement.matchers import Look, look_tables
from stillwatch.enforcement.ownership import Holding, Register
from stillwatch.enforcement.plan import Finding, Plan, fact_table, plan, verdict_table
from stillwatch.enforcement.snapshot import open_snapshot, write
from stillwatch.errors import InputError, UsageError
from stillwatch.indicators.load import load as load_indicators
from stillwatch.schema.stix import of_drill
from stillwatch.server.gate.looks import from_stix, read_watched
from stillwatch.server.gate.people import believed
from stillwatch.server.gate.state import State

_NEXT: Final = "next.arrow"


class Owned(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the owners' file: who holds how much, in per cent, of a customer or of a company over one."""

    company: str
    owner: str
    share: Annotated[float, Meta(gt=0, le=100)]
    seat: str | None = None


class Warned(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a forum's findings: a local account that private matching found in another provider's campaign."""

    account_id: str
    campaign_id: str
    score: Annotated[float, Meta(ge=0, le=1)] = 1.0
    q_value: Annotated[float, Meta(ge=0, le=1)] = 0.0
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what is known lies; any may be absent.

    Args:
        findings: directories that ``detect`` or ``watch`` wrote.
        warned: NDJSON of ``Warned``.
        indicators: STIX files.
        watched: NDJSON of ``looks.Watched``.
        authorised: TOML of programmes.
        accounts: the accounts table, for tiers, organisations and owners.
        owners: NDJSON of ``Owned``.
        simulated: whether findings of simulated traffic, and indicators of a drill, are for these gates.
    """

    findings: tuple[Path, ...] = ()
    warned: tuple[Path, ...] = ()
    indicators: tuple[Path, ...] = ()
    watched: tuple[Path, ...] = ()
    authorised: Path | None = None
    accounts: Path | None = None
    owners: Path | None = None
    simulated: bool = False

    @property
    def files(self) -> list[Path]:
        """All of them."""
        single = [path for path in (self.authorised, self.accounts, self.owners) if path]
        found = [folder / "accounts.parquet" for folder in self.findings]
        return [*found, *self.warned, *self.indicators, *self.watched, *single]


@dataclass(frozen=True, slots=True)
class Published:
    """What a run came to."""

    plan: Plan
    indicators: int
    silent: tuple[str, ...] = field(default=())
    unproven: int = 0  # entries by people that the policy does not believe


def publish(state: Path | State, policy: Policy, sources: Sources, now: int) -> Published:
    """Write the next snapshot to ``state``, and what it changes to the ledger before.

    Raises:
        InputError: a source cannot be read, or the ledger is broken.
        UsageError: the key is readable by others, or findings are of simulated traffic.
        StorageError: the database that gates share is away; nothing changed.
    """
    place = state if isinstance(state, State) else State(state)
    with place.alone():
        accounts = read_accounts(sources.accounts)
        tiers = {row["account_id"]: row["tier"] for row in accounts if row.get("tier")}
        local = (f for folder in sources.findings for f in read_findings(folder, sources.simulated))
        findings = [*local, *_warned(sources.warned)]
        looks, silent = _looks(sources)
        keys, indicators, shapes = look_tables(looks)
        owners = register(sources, accounts)
        names = sorted({*(row["account_id"] for row in accounts), *owners.companies})
        facts = fact_table(programmes(sources.authorised, accounts), names, owners, policy)
        while True:  # until nobody else wrote to the ledger meanwhile
            seen = place.look()
            path = place.snapshot
            before = _before(path)
            history = History(seen.entries, believed(policy))
            planned = plan(findings, before, history, policy, seen.key, tiers, now)
            fresh = path.with_name(_NEXT)
            write(fresh, [verdict_table(planned.verdicts), keys, indicators, facts], now, policy.digest, shapes)
            if place.put(seen, planned.entries, fresh):
                return Published(planned, indicators.num_rows, tuple(silent), len(history.unproven))


def _before(path: Path) -> list[Verdict]:
    """The verdicts in force.

    Raises:
        InputError: they cannot be read, and only a person can say that measures may begin anew.
    """
    try:
        return list(open_snapshot(path).all_verdicts()) if path.exists() else []
    except InputError as error:
        do = "Restore it, or move it away and publish again: the clocks of all measures then begin anew."
        raise InputError(error.what, where=str(path), do=do) from error


def read_findings(folder: Path, simulated: bool = True) -> list[Finding]:
    """The accounts in campaigns of a directory that ``detect`` wrote.

    Raises:
        InputError: it is none.
        UsageError: they are of simulated traffic, and not ``simulated``.
    """
    path = folder / "accounts.parquet"
    try:
        table = pq.read_table(path, columns=["account_id", "campaign_id", "q_value", "score"]).drop_null()
        campaigns = json.loads((folder / "campaigns.json").read_text("utf-8"))
        said = path.stat().st_mtime_ns // 1000
        words = {c["id"]: "; ".join(line["summary"] for line in c["evidence"][:5]) for c in campaigns}
        invented = any(c.get("simulated") for c in campaigns)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"no findings: {error}", where=str(folder), do="Give what `stillwatch detect --out` wrote."
        ) from error
    if invented and not simulated:
        do = "Give --allow-simulated if these gates are part of a drill."
        raise UsageError("the traffic is simulated, and no customer is to answer for it", where=str(folder), do=do)
    return [
        Finding(
            row["account_id"],
            row["campaign_id"],
            row["q_value"],
            row["score"],
            evidence=words.get(row["campaign_id"], ""),
            affirmed=said,
        )
        for row in table.to_pylist()
    ]


def read_accounts(path: Path | None) -> list[dict[str, Any]]:
    """The rows of an accounts table in Parquet or NDJSON, with the fields that are used here.

    Raises:
        InputError: it is neither.
    """
    if path is None:
        return []
    names = ["account_id", "organization_id", "tier", "owner", "owner_country"]
    try:
        if path.suffix in (".parquet", ".pq"):
            there = [name for name in names if name in pq.read_schema(path).names]
            return pq.read_table(path, columns=there).to_pylist()  # type: ignore[no-any-return]
        rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
        return [{name: row.get(name) for name in names} for row in rows if row["account_id"]]
    except (ValueError, KeyError, AttributeError, msgspec.MsgspecError) as error:
        raise InputError(f"no accounts table: {error}", where=str(path), do="Give Parquet or NDJSON.") from error


def _warned(paths: Sequence[Path]) -> Iterator[Finding]:
    for path in paths:
        for row in _lines(path, Warned):
            yield Finding(row.account_id, row.campaign_id, row.q_value, row.score, FORUM, row.evidence)


def _looks(sources: Sources) -> tuple[list[Look], list[str]]:
    looks: list[Look] = [look for path in sources.watched for look in read_watched(path)]
    silent: list[str] = []
    for path in sources.indicators:
        imported = load_indicators(path)
        drills = [each for each in imported.objects if of_drill(each) and not sources.simulated]
        found, passed = from_stix([each for each in imported.objects if each not in drills])
        silent += [f"{each['id']}: is of a drill" for each in drills if each["type"] == "indicator"]
        looks += found
        silent += [*passed, *(f"{fault.object}: {fault.at} {fault.why}" for fault in imported.refused)]
    return looks, silent


def programmes(path: Path | None, accounts: Sequence[dict[str, Any]] = ()) -> list[tuple[str, str, str, int]]:
    """Programmes as ``plan.fact_table`` takes them.

    An organisation's are also those of its ``accounts``: not every request says which organisation it comes from.
    """
    found = []
    members: dict[str, list[str]] = {}
    for row in accounts:
        if row.get("organization_id"):
            members.setdefault(row["organization_id"], []).append(row["account_id"])
    for programme in read_programmes(path) if path else ():
        covered = programme.accounts.union(*(members.get(name, ()) for name in programme.organizations))
        found += [("account", name, programme.name, programme.end) for name in sorted(covered)]
        found += [("organization", name, programme.name, programme.end) for name in sorted(programme.organizations)]
    return found


def register(sources: Sources, accounts: Sequence[dict[str, Any]]) -> Register:
    """Owners by the owners' file; of accounts that are not in it, by what the accounts table declares."""
    rows = _lines(sources.owners, Owned) if sources.owners else []
    holdings = [Holding(row.company, row.owner, row.share, row.seat) for row in rows]
    known = {each.company for each in holdings}
    for row in accounts:
        if row.get("owner") and row["account_id"] not in known:
            holdings.append(Holding(row["account_id"], row["owner"], 100.0, row.get("owner_country")))
    return Register(holdings)


def _lines(path: Path, kind: Any) -> list[Any]:
    decoder = msgspec.json.Decoder(kind)
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                found.append(decoder.decode(line))
            except msgspec.MsgspecError as error:
                raise InputError(str(error), where=f"{path}, line {number}") from None
    return found
