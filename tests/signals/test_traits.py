"""Trait signals on a small log whose traits are counted by hand, on both engines."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import cos, hypot, pi, sin
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.engine import DuckDBEngine, Engine
from stillwatch.schema.evidence import TRAITS
from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import ACCOUNTS, REQUESTS
from stillwatch.signals import TRAIT_SIGNALS, tally
from stillwatch.signals.gather import gather
from stillwatch.signals.prints import TABLE

HOUR = 3_600_000_000
START = 20_000 * 24 * HOUR
FIELDS = frozenset(
    {f"requests.{name}" for name in REQUESTS.names}
    | {f"accounts.{name}" for name in ACCOUNTS.names}
    | {f"prints.{name}" for name in PRINTS.names}
)
#: Signals of other files, with tables of their own.
OTHERS = {"template", "prompt", "system_prompt", "topic"}
SIGNALS = [signal for signal in TRAIT_SIGNALS if not {kind.name for kind in signal.kinds} & OTHERS]


def log() -> list[dict]:
    """Five accounts over three days: an application, a night owl, two that share, and one of a single request."""
    rng = random.Random(3)
    rows: list[dict] = []

    def ask(account: str, micros: int, **more: object) -> None:
        number = len(rows)
        rows.append({
            "request_id": f"r{number}", "account_id": account, "micros": START + micros, "timestamp": START + micros,
            "model": "old", "session_id": f"{account}-{number % 3}", "input_tokens": 100, "output_tokens": 50,
            "prompt_hash": rng.randrange(1, 40), "prompt_cues": 0, "temperature": 1.0, "tools": None, **more,
        })  # fmt: skip

    for _ in range(300):
        ask("app", rng.randrange(72 * HOUR), client_ip=f"10.0.{rng.randrange(3)}.{rng.randrange(40)}", n=1,
            logprobs=False, user_agent="sdk/1", tls_fingerprint="t1", header_order="h1", max_tokens=512)  # fmt: skip
    for day in range(3):
        for _ in range(40):
            ask("owl", day * 24 * HOUR + rng.randrange(HOUR, 4 * HOUR), output_tokens=2000, logprobs=True)
    for account in ("left", "right"):
        for i in range(40):
            new = i >= 8
            ask(account, 30 * HOUR + rng.randrange(HOUR) + (5 * HOUR if new else 0), prompt_cues=1 | (4 * (i % 2)),
                client_ip="2001:db8::7", user_agent="raw", tls_fingerprint="t9", header_order="h9", n=4,
                model="new" if new else "old", tools=["search", "shell"], max_tokens=1234, temperature=0.7,
                prompt_hash=1000 + len(rows))  # fmt: skip
    ask("single", 60 * HOUR, prompt_hash=None, prompt_cues=None, input_tokens=None, output_tokens=None)
    rows[400]["reasoning_issued"] = ["b1", "b2"]
    owner = rows[400]["account_id"]
    rows[-2]["reasoning_replayed"] = ["b1", "unknown"]
    rows[-3]["reasoning_replayed"] = ["unknown"]
    rows[0]["reasoning_issued"] = rows[1]["reasoning_replayed"] = ["b3"]
    assert rows[0]["account_id"] == rows[1]["account_id"] == "app"
    assert {owner, rows[-2]["account_id"]} == {"owl", "right"}
    return rows


ACCOUNT_ROWS = [
    {"account_id": "app", "created_at": START - 900 * HOUR, "payment_fingerprint": "p1", "phone_prefix": "+44"},
    {"account_id": "left", "created_at": START + 29 * HOUR, "payment_fingerprint": "p2", "email_domain": "Odd.example",
     "phone_prefix": "+44 7700-9", "signup_ip": "::ffff:192.0.2.9"},
    {"account_id": "right", "created_at": START + 29 * HOUR, "payment_fingerprint": "p2", "card_bin": "4321",
     "email_domain": " odd.EXAMPLE", "phone_prefix": "+4477009", "signup_ip": "192.0.2.77"},
    {"account_id": "idle", "created_at": START, "payment_fingerprint": "p2"},
]  # fmt: skip


@pytest.fixture
def duckdb_engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(memory="256MiB", threads=2, directory=tmp_path)
    yield engine
    engine.close()


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    result: Engine = request.getfixturevalue(f"{request.param}_engine")
    rows = log()
    result.load("requests", pa.Table.from_pylist(rows, REQUESTS))
    result.load("prints", pa.Table.from_pylist(rows, TABLE))
    result.load("accounts", pa.Table.from_pylist(ACCOUNT_ROWS, ACCOUNTS))
    tally(result)
    return result


def test_activity_agrees_with_counting_by_hand(engine: Engine) -> None:
    own: dict[str, list[dict]] = defaultdict(list)
    for row in log():
        own[row["account_id"]].append(row)
    found = {row["account_id"]: row for row in engine.sql("SELECT * FROM account_activity").to_pylist()}
    assert set(found) == set(own)
    for account, rows in own.items():
        hours = Counter(row["micros"] // HOUR for row in rows)
        birth, turn = min(hours), [2 * pi * (hour % 24) / 24 for hour in hours]
        addresses = {row["client_ip"] for row in rows if "client_ip" in row}
        expected = {
            "requests": len(rows),
            "first_seen": min(row["micros"] for row in rows),
            "last_seen": max(row["micros"] for row in rows),
            "active_hours": len(hours),
            "active_days": len({hour // 24 for hour in hours}),
            "clock_hours": len({hour % 24 for hour in hours}),
            "busiest_hour": max(hours.values()),
            "first_hour_requests": hours[birth] + hours[birth + 1],
            "first_day_requests": sum(n for hour, n in hours.items() if hour < birth + 24),
            "distinct_prompts": len({row["prompt_hash"] for row in rows if row["prompt_hash"] is not None}),
            "cue_reasoning": sum(bool((row["prompt_cues"] or 0) & 1) for row in rows),
            "cue_rubric": sum(bool((row["prompt_cues"] or 0) & 4) for row in rows),
            "long_outputs": sum((row["output_tokens"] or 0) >= 1024 for row in rows),
            "many_samples": sum(row.get("n", 0) > 1 for row in rows),
            "logprobs": sum(bool(row.get("logprobs")) for row in rows),
            "addresses": len(addresses) or None,
        }
        assert {name: found[account][name] for name in expected} == expected
        length = hypot(sum(map(cos, turn)), sum(map(sin, turn)))
        assert hypot(found[account]["cosine"], found[account]["sine"]) / 1000 == pytest.approx(length, abs=0.05)


def test_traits(engine: Engine) -> None:
    traits = gather(engine, SIGNALS, FIELDS)
    assert traits.table.schema == TRAITS
    assert not traits.abstained
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in traits.table.to_pylist():
        values[row["kind"]][row["account_id"]].add(row["value"])
    assert set(values) <= {kind.name for kind in traits.kinds}
    assert "idle" not in {account for own in values.values() for account in own}
    both = {
        "payment_fingerprint": "p2",
        "email_domain": "odd.example",
        "phone_prefix": "4477009",
        "client_ip": "2001:db8::7",
        "client_prefix": "2001:db8::/48",
        "signup_prefix": "192.0.2.0/24",
        "tls_fingerprint": "t9",
        "client": "t9 | raw | h9",
        "request_shape": "temperature=0.70; max_tokens=1234; n=4; logprobs=-; stream=-; tools=search+shell",
        "idle_before_use": "1 to 4",
        "first_seen_hour": str(START // HOUR + 30),
        "model_move": "0.9 or more",
        "total_requests": "32 to 45.255",
        "many_samples": "0.9 or more",
        "cue_reasoning": "0.9 or more",
        "cue_rubric": "0.5 to 0.9",
        "breadth": "under 128",
        "first_hour": "speeds up",
    }
    for kind, value in both.items():
        assert values[kind]["left"] == values[kind]["right"] == {value}, kind
    assert "app" not in values["phone_prefix"]  # a bare country code
    assert values["client_prefix"]["app"] == {f"10.0.{i}.0/24" for i in range(3)}
    assert values["addresses"]["app"] <= {"33 to 65", "65 to 129"}
    assert values["daily_rhythm"]["app"] == {"under 0.15"}
    assert "owl" not in values["daily_rhythm"]  # nine hours are too few
    assert values["long_outputs"]["owl"] == {"0.9 or more"}
    assert values["output_ratio"]["owl"] == {"16 or more"}
    assert values["breadth"]["app"] == {"repeats itself"}
    assert values["replayed_block"] == {"owl": {"b1"}, "right": {"b1"}, "app": {"none"}}
    assert values["foreign_replay"] == {"right": {"0.9 or more"}, "app": {"under 0.02"}}


def test_a_signal_whose_fields_are_absent_abstains(duckdb_engine: DuckDBEngine) -> None:
    traits = gather(duckdb_engine, [signal for signal in SIGNALS if signal.needs], frozenset())
    assert len(traits.table) == 0
    assert "payment_fingerprint: the log has no accounts.payment_fingerprint" in traits.abstained


@pytest.mark.parametrize("field", ["temperature", "tools", "n"])
def test_the_request_shape_is_taken_of_whatever_parameter_there_is(duckdb_engine: DuckDBEngine, field: str) -> None:
    rows = [{key: row.get(key) for key in ("request_id", "account_id", "micros", "timestamp", "model", field)}
            for row in log()]  # fmt: skip
    duckdb_engine.load("requests", pa.Table.from_pylist(rows, REQUESTS))
    duckdb_engine.load("prints", pa.Table.from_pylist(log(), TABLE))
    tally(duckdb_engine)
    signals = [signal for signal in SIGNALS if signal.name == "request_shape"]
    fields = frozenset(f"requests.{name}" for name in rows[0])
    shapes = dict(
        zip(
            *gather(duckdb_engine, signals, fields).table.select(["account_id", "value"]).to_pydict().values(),
            strict=True,
        )
    )
    assert shapes["left"] == shapes["right"] != shapes["app"]
    (silent,) = gather(duckdb_engine, signals, fields - {f"requests.{field}"}).abstained
    assert silent.startswith("request_shape: the log has no requests.temperature or requests.max_tokens or ")


def test_calling_codes_and_regions_may_be_permuted(engine: Engine) -> None:
    """Who has which country or region is no trait; and which country a block lies in changes no tie."""
    signals = [signal for signal in SIGNALS if signal.name == "phone_prefix"]
    active = ["app", "owl", "left", "right", "single"]

    def found(prefixes: list[str | None]) -> list[tuple[str, str]]:
        rows = [{"account_id": a, "phone_prefix": p} for a, p in zip(active, prefixes, strict=True)]
        engine.load("accounts", pa.Table.from_pylist(rows, ACCOUNTS))
        table = gather(engine, signals, FIELDS).table
        return sorted(zip(table["account_id"].to_pylist(), table["value"].to_pylist(), strict=True))

    codes = ["+86", "1", "+1 415", "+861391", None]
    for turn in range(len(codes)):
        assert found(codes[turn:] + codes[:turn]) == []
    blocks = ["+86 13912", "+86 13912", "+44 77009", "+44 77009", "+86"]
    swapped = [block.replace("86", "x").replace("44", "86").replace("x", "44") for block in blocks]
    for prefixes in (blocks, swapped):
        (app, a), (left, b), (owl, c), (right, d) = found(prefixes)
        assert (app, left, owl, right) == ("app", "left", "owl", "right")
        assert (a == c, b == d, a == b) == (True, True, False)


def test_nationality_is_in_no_signal() -> None:
    banned = {"country", "owner", "owner_country"}
    needs = {each.partition(".")[2] for signal in TRAIT_SIGNALS for need in signal.needs for each in need.split("|")}
    assert not needs & banned
