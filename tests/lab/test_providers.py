"""A log dealt out to providers: every customer whole at one, the campaign in its shares, time moved by whole weeks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError, UsageError
from stillwatch.lab import Order, deal, generate
from stillwatch.schema.requests import SIMULATED

NOW = datetime(2031, 5, 7, 12, tzinfo=UTC)
SHARES = {"one": 6.0, "two": 3.0, "three": 1.0}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab") / "day"
    generate(Order("demo", folder, requests=12_000, seed=3))
    return folder


@pytest.fixture(scope="module")
def dealt(log: Path) -> Path:
    out = log.parent / "providers"
    deal(log, out, SHARES, so_far=0.75, before=NOW)
    return out


def _read(dealt: Path, name: str, file: str) -> pa.Table:
    return pq.read_table(dealt / name / f"{file}.parquet")


def test_every_request_and_account_is_at_one_provider(log: Path, dealt: Path) -> None:
    whole = pq.read_table(log / "requests")["request_id"].to_pylist()
    ids = [
        id_ for name in SHARES for file in ("requests", "to_come")
        for id_ in _read(dealt, name, file)["request_id"].to_pylist()
    ]  # fmt: skip
    assert sorted(ids) == sorted(whole)
    accounts = [a for name in SHARES for a in _read(dealt, name, "accounts")["account_id"].to_pylist()]
    assert sorted(accounts) == sorted(pq.read_table(log / "accounts.parquet")["account_id"].to_pylist())
    for name in SHARES:
        senders = set(_read(dealt, name, "requests")["account_id"].to_pylist())
        assert senders <= set(_read(dealt, name, "accounts")["account_id"].to_pylist())


def test_what_an_organisation_has_is_together_and_its_programme_with_it(log: Path, dealt: Path) -> None:
    kinds = {each["group"]: each["kind"] for each in json.loads((log / "truth" / "groups.json").read_text())}
    truth = pq.read_table(log / "truth" / "accounts.parquet").to_pylist()
    campaign = {row["account_id"] for row in truth if kinds[row["group"]] == "campaign"}
    homes: dict[str, set[str]] = {}
    for name in SHARES:
        for row in _read(dealt, name, "accounts").to_pylist():
            if row["organization_id"] and row["account_id"] not in campaign:
                homes.setdefault(row["organization_id"], set()).add(name)
    assert homes
    assert {len(each) for each in homes.values()} == {1}
    named = [name for name in SHARES if "[[programme]]" in (dealt / name / "authorised.toml").read_text()]
    assert len(named) == 1


def test_the_campaign_is_dealt_out_in_its_shares_and_told_in_the_truth_alone(log: Path, dealt: Path) -> None:
    again = deal(log, log.parent / "again", SHARES)
    parts = {each.name: each.campaign_accounts for each in again}
    whole = sum(parts.values())
    assert whole > 20
    for name, share in SHARES.items():
        assert abs(parts[name] - share / 10 * whole) <= 1
    for name in SHARES:
        assert _read(dealt, name, "requests").schema.metadata == SIMULATED
        assert {path.name for path in (dealt / name).iterdir()} == {
            "requests.parquet", "to_come.parquet", "accounts.parquet", "authorised.toml"
        }  # fmt: skip


def test_what_is_to_come_is_later_and_time_moves_by_whole_weeks(log: Path, dealt: Path) -> None:
    before = pq.read_table(log / "requests").select(["request_id", "timestamp"])
    was = dict(zip(before["request_id"].to_pylist(), before["timestamp"].to_pylist(), strict=True))
    shifts, last = set(), datetime(1970, 1, 1, tzinfo=UTC)
    for name in SHARES:
        past, coming = _read(dealt, name, "requests"), _read(dealt, name, "to_come")
        assert max(past["timestamp"].to_pylist()) <= min(coming["timestamp"].to_pylist())
        last = max(last, *coming["timestamp"].to_pylist())
        for row in past.slice(0, 50).to_pylist():
            shifts.add(row["timestamp"] - was[row["request_id"]])
    (shift,) = shifts
    assert shift % timedelta(weeks=1) == timedelta(0)
    assert NOW - timedelta(weeks=1) < last <= NOW


def test_what_cannot_be_dealt_out_is_refused(log: Path, dealt: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shares"):
        deal(log, tmp_path / "out", {})
    with pytest.raises(UsageError, match="a log already"):
        deal(log, dealt, SHARES)
    with pytest.raises(InputError, match="not a simulated log"):
        deal(tmp_path, tmp_path / "out", SHARES)


def test_campaigns_begin_when_what_leads_to_them_is_over(tmp_path: Path) -> None:
    order = Order("record", tmp_path / "led", requests=6_000, seed=2, days=10, lead=4)
    made = generate(order)
    kinds = {each["group"]: each["kind"] for each in json.loads((order.out / "truth" / "groups.json").read_text())}
    truth = pq.read_table(order.out / "truth" / "requests.parquet")["group"].to_pylist()
    times = pq.read_table(order.out / "requests")["timestamp"].to_pylist()
    start = made.first.replace(hour=0, minute=0, second=0, microsecond=0)
    campaign = [at for at, group in zip(times, truth, strict=True) if kinds[group] == "campaign"]
    assert len(campaign) > 500
    assert min(campaign) >= start + timedelta(days=4)
    with pytest.raises(UsageError, match="longer"):
        generate(Order("record", tmp_path / "none", requests=6_000, days=3, lead=4))
