"""One simulated log dealt out to several providers, as one actor meets several of them.

Customers go whole to one provider, by chance; what an organisation has goes together. The accounts of each campaign are
dealt out in given shares. What comes after a moment is kept apart as what is still to come, so that a drill can send
it. Truth decides who is a campaign's account, and is written beside the logs, not into them.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json import dumps, loads
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import InputError, UsageError

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Dealt:
    """A provider's part: requests so far, those still to come, accounts, of which so many are of campaigns."""

    name: str
    requests: int
    to_come: int
    accounts: int
    campaign_accounts: int


def deal(
    log: Path, out: Path, shares: Mapping[str, float], *, so_far: float = 1.0, before: datetime | None = None
) -> list[Dealt]:
    """Deal out the log that ``generate`` wrote to the folder ``log``; each provider's is in ``out/NAME``.

    Args:
        log: the folder.
        out: another; a provider has ``requests``, ``to_come`` and ``accounts`` (Parquet), and ``authorised.toml``.
        shares: each provider's of the campaigns' accounts, in proportion.
        so_far: the part of the requests, in time, that is in ``requests.parquet``.
        before: all times are moved by so many whole weeks that the last lies in the week before this moment.

    Raises:
        UsageError: no providers, shares that are none, or a provider's folder that holds a log.
        InputError: there is no simulated log in the folder.
    """
    if not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0 or not 0 < so_far <= 1:
        raise UsageError("providers have shares of 0 or more, and the time so far is a part", where="--provider")
    if used := [name for name in shares if (out / name).exists()]:
        raise UsageError("there is a log already", where=str(out / used[0]), do="Choose another --out")
    try:
        requests, accounts = pq.read_table(log / "requests"), pq.read_table(log / "accounts.parquet")
        guilty = _guilty(log)
        programmes = tomllib.loads((log / "authorised.toml").read_text("utf-8")).get("programme", [])
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise InputError(f"not a simulated log: {error}", where=str(log), do="Give what `lab generate` wrote") from None
    times = pc.sort_indices(requests["timestamp"])
    requests = requests.take(times)
    shift = _weeks(requests["timestamp"][-1].as_py(), before)
    requests, accounts = _moved(requests, "timestamp", shift), _moved(accounts, "created_at", shift)
    cut = requests["timestamp"][max(0, round(so_far * requests.num_rows) - 1)]
    of = _providers(accounts, guilty, shares)
    return [_write(out / name, name, of, requests, accounts, cut, programmes, guilty, shift) for name in shares]


def _guilty(log: Path) -> dict[str, str]:
    """Account -> campaign, by the truth."""
    kinds = {row["group"]: row["kind"] for row in loads((log / "truth" / "groups.json").read_text("utf-8"))}
    truth = pq.read_table(log / "truth" / "accounts.parquet").to_pylist()
    return {row["account_id"]: row["group"] for row in truth if kinds[row["group"]] == "campaign"}


def _weeks(last: datetime, before: datetime | None) -> timedelta:
    """Whole weeks by which ``last`` has to be moved to lie in the week before a moment."""
    return (before.astimezone(UTC) - last.astimezone(UTC)) // _WEEK * _WEEK if before else timedelta()


def _moved(table: pa.Table, name: str, shift: timedelta) -> pa.Table:
    place = table.schema.get_field_index(name)
    moved = pc.add(table[name], pa.scalar(shift, pa.duration("us"))).cast(table.schema.field(name).type)
    return table.set_column(place, table.schema.field(name), moved)


def _chance(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def _providers(accounts: pa.Table, guilty: Mapping[str, str], shares: Mapping[str, float]) -> dict[str, str]:
    """Account -> provider."""
    names, whole = list(shares), sum(shares.values())
    rows = zip(accounts["account_id"].to_pylist(), accounts["organization_id"].to_pylist(), strict=True)
    of = {account: names[int(_chance(owner or account) * len(names))] for account, owner in rows}
    for campaign in sorted(set(guilty.values())):
        theirs = sorted((a for a, group in guilty.items() if group == campaign), key=_chance)
        done = dealt = 0.0
        for name in names:
            dealt += shares[name] / whole * len(theirs)
            of |= dict.fromkeys(theirs[round(done) : round(dealt)], name)
            done = dealt
    return of


def _write(
    folder: Path, name: str, of: Mapping[str, str], requests: pa.Table, accounts: pa.Table, cut: Any,
    programmes: list[dict[str, Any]], guilty: Mapping[str, str], shift: timedelta,
) -> Dealt:  # fmt: skip
    mine = sorted(account for account, provider in of.items() if provider == name)
    folder.mkdir(parents=True)
    known = accounts.filter(pc.is_in(accounts["account_id"], pa.array(mine, pa.string())))
    sent = requests.filter(pc.is_in(requests["account_id"], pa.array(mine, pa.string())))
    past = pc.less_equal(sent["timestamp"], cut)
    for path, table in (
        ("accounts", known),
        ("requests", sent.filter(past)),
        ("to_come", sent.filter(pc.invert(past))),
    ):
        pq.write_table(table, folder / f"{path}.parquet", compression="zstd")
    (folder / "authorised.toml").write_text("".join(_programmes(programmes, known, shift)), encoding="utf-8")
    now = int(pc.sum(past).as_py() or 0)
    return Dealt(name, now, sent.num_rows - now, len(mine), sum(account in guilty for account in mine))


def _programmes(programmes: list[dict[str, Any]], known: pa.Table, shift: timedelta) -> Iterator[str]:
    """Those of the programmes' accounts that are the provider's, in TOML."""
    accounts, owners = set(known["account_id"].to_pylist()), set(known["organization_id"].to_pylist())
    for each in programmes:
        mine = [account for account in each.get("accounts", ()) if account in accounts]
        owned = [owner for owner in each.get("organizations", ()) if owner in owners]
        if mine or owned:
            yield (
                f"[[programme]]\nname = {dumps(each['name'])}\nwhat = {dumps(each['what'])}\n"
                f"accounts = {dumps(mine)}\norganizations = {dumps(owned)}\n"
                f"until = {(each['until'] + shift).isoformat()}\n"
            )
