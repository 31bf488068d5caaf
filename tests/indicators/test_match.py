"""Matching against brute force over the rows, and each way an indicator may be silent."""

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.engine import DuckDBEngine
from stillwatch.indicators import Matched, Order, match, mint, traits_needed
from stillwatch.indicators.network import Ranges
from stillwatch.indicators.template import fingerprints, on_templates
from stillwatch.schema import stix
from stillwatch.schema.evidence import TRAITS
from tests.indicators.made import KEY, findings

AT = datetime(2026, 2, 21, tzinfo=UTC)
FIELDS = frozenset({"requests.client_ip", "requests.user_agent", "requests.tls_fingerprint", "requests.header_order",
                    "prints.prompt_anchors"})  # fmt: skip
OBJECTS = mint(findings(), Order(KEY)).objects
TLS, HEADERS = "t13d1506h2_2ad17872efc4_7872efc4c6f9", "ge20nn566db5c935bb001a"

HEX = st.integers(0, 2**64 - 1).map(lambda n: f"{n:016x}")
SMALL = st.sampled_from([f"{n:016x}" for n in (0, 1, 2, 3, 2**63, 2**63 + 1, 2**64 - 1)])


def signed(digits: str) -> int:
    return int(np.array([int(digits, 16)], np.uint64).view(np.int64)[0])


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.lists(SMALL, max_size=6)), max_size=8),
    st.lists(st.tuples(st.lists(SMALL, min_size=1, max_size=5), st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_template_kernel_against_brute_force(
    prompts: list[tuple[str, list[str] | None]], looks: list[tuple[list[str], int]], offset: int
) -> None:
    contents = [{"anchors": anchors, "needed": needed} for anchors, needed in looks]
    batch = pa.RecordBatch.from_arrays(
        [pa.array([a for a, _ in prompts], pa.string()),
         pa.array([None if h is None else [signed(x) for x in h] for _, h in prompts], pa.list_(pa.int64()))],
        names=["account_id", "prompt_anchors"],
    ).slice(offset)  # fmt: skip
    found = on_templates(batch, fingerprints(contents))
    wanted = [
        (account, place)
        for account, held in prompts[offset:]
        for place, content in enumerate(contents)
        if len(set(held or ()) & set(content["anchors"])) >= content["needed"]
    ]
    assert sorted(zip(*(column.to_pylist() for column in found.columns), strict=True)) == sorted(wanted)


V4 = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda p: ip_network((ip_address(p[0]), p[1]), False))
V6 = st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(
    lambda p: ip_network((ip_address(p[0] | 1 << 127), p[1]), False)
)


@given(st.lists(V4 | V6, max_size=6), st.ip_addresses(), st.integers(0, 5))
def test_ranges_against_brute_force(networks: list[Any], address: Any, inside: int) -> None:
    if inside < len(networks):
        address = networks[inside].broadcast_address
    looks = [(str(place), (network,)) for place, network in enumerate(networks)]
    wanted = {str(p) for p, n in enumerate(networks) if n.version == address.version and address in n}
    assert set(Ranges(looks).of(str(address))) == wanted
    assert Ranges(looks).of("a pseudonym") == []


def log(**tables: list[dict[str, Any]]) -> DuckDBEngine:
    """An engine with the tables that matching reads; five requests an account."""
    engine = DuckDBEngine(memory="256MB", threads=1)
    schemas = {
        "account_activity": [("account_id", pa.string()), ("requests", pa.int64())],
        "account_addresses": [("account_id", pa.string()), ("address", pa.string()), ("prefix", pa.string()),
                              ("n", pa.int64())],
        "account_clients": [("account_id", pa.string()), ("user_agent", pa.string()), ("tls_fingerprint", pa.string()),
                            ("header_order", pa.string()), ("n", pa.int64())],
        "prints": [("account_id", pa.string()), ("prompt_anchors", pa.list_(pa.int64()))],
    }  # fmt: skip
    tables.setdefault("account_activity", [{"account_id": name, "requests": 100} for name in "abc"])
    for name, fields in schemas.items():
        engine.load(name, pa.Table.from_pylist(tables.get(name, []), pa.schema(fields)))
    return engine


def matched(
    engine: DuckDBEngine, objects: Any = OBJECTS, traits: Any = (), fields: Any = FIELDS, at: Any = AT
) -> Matched:
    rows = [dict(zip(TRAITS.names, (*row, 1), strict=True)) for row in traits]
    try:
        return match(objects, engine, pa.Table.from_pylist(rows, TRAITS), fields, at)
    finally:
        engine.close()


def kinds(found: Matched) -> list[tuple[str, str, int]]:
    told = {each["id"]: each for each in OBJECTS if each["type"] == "indicator"}
    names = {text: name for name, text in stix.DESCRIPTIONS.items()}
    return [(m.account_id, names[told[m.indicator]["description"]], m.requests) for m in found.matches]


def test_addresses_in_a_range() -> None:
    rows = [
        ("a", "8.8.4.9", 3),
        ("a", "8.8.4.77", 2),
        ("b", "8.8.5.1", 9),
        ("b", "f3a9", 9),
        ("c", "2606:4700:1::5", 1),
    ]
    engine = log(account_addresses=[{"account_id": a, "address": i, "prefix": None, "n": n} for a, i, n in rows])
    found = matched(engine)
    assert kinds(found) == [("a", "address-range", 5), ("c", "address-range", 1)]
    assert found.matches[0].why == "5 of its requests came from the range, from 2 addresses"
    assert found.matches[0].campaigns[0].startswith("campaign--")


def test_client_software_that_one_in_twenty_requests_show() -> None:
    rows = [("a", "python-requests/2.31.0", 5), ("b", "python-requests/2.31.0", 4), ("c", "curl/8.0", 90)]
    engine = log(account_clients=[
        {"account_id": a, "user_agent": u, "tls_fingerprint": TLS, "header_order": HEADERS, "n": n} for a, u, n in rows
    ])  # fmt: skip
    found = kinds(matched(engine))
    assert ("a", "client-software", 5) in found
    assert not [row for row in found if row[0] == "b"]
    assert ("c", "client-software", 90) in found  # the indicator of the TLS client alone


def template() -> stix.Object:
    return next(each for each in OBJECTS if each.get("pattern") == stix.TEMPLATE.pattern)


def test_prompts_on_a_template() -> None:
    anchors = [signed(each) for each in template()["extensions"][stix.TEMPLATE.id]["anchors"]]
    rows = [("a", anchors[:2])] * 6 + [("b", [anchors[0], 7])] * 50 + [("c", anchors)] * 4
    engine = log(prints=[{"account_id": a, "prompt_anchors": held} for a, held in rows])
    assert kinds(matched(engine)) == [("a", "template-fingerprint", 6)]


def test_behaviours_replays_and_proxies() -> None:
    shown = [
        ("a", "idle_before_use", "64 to 256"), ("a", "daily_requests", "11.314 to 16"),
        ("a", "cue_reconstruction", "0.5 to 0.9"), ("b", "idle_before_use", "64 to 256"),
        ("b", "daily_requests", "5.657 to 8"), ("b", "cue_reconstruction", "0.5 to 0.9"),
        ("b", "foreign_replay", "0.02 to 0.1"), ("c", "addresses", "17 to 33"), ("b", "addresses", "17 to 33"),
        ("c", "address_turnover", "0.9 or more"), ("b", "address_turnover", "0.5 to 0.9"),
    ]  # fmt: skip
    found = matched(log(), traits=shown)
    assert kinds(found) == [
        ("a", "account-cohort", 0), ("b", "reasoning-replay", 0), ("c", "proxy-cluster", 0)
    ]  # fmt: skip
    assert found.matches[0].why.startswith("it shows 3 of 3 behaviours: cue_reconstruction 0.5 to 0.9, daily_requests")
    needed = {trait for _, trait, _ in shown} | {"cue_agentic", "long_outputs", "session_replay", "model_move"}
    assert traits_needed(OBJECTS) <= needed


def test_what_the_log_does_not_show_is_said() -> None:
    found = matched(log(), fields=frozenset())
    indicators = [each["id"] for each in OBJECTS if each["type"] == "indicator"]
    assert found.matches == ()
    assert sorted(line.partition(":")[0] for line in found.silent) == sorted(indicators)
    assert any("no prompts" in line for line in found.silent)
    assert any("no header_order and no tls_fingerprint and no user_agent" in line for line in found.silent)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"revoked": True, "modified": "2026-02-22T00:00:00.000Z"}, "revoked"),
        ({"valid_until": "2026-02-21T00:00:00Z"}, "no longer valid"),
        ({"pattern_type": "snort"}, "snort"),
        ({"pattern": stix.TEMPLATE.pattern}, "extension is missing"),
        ({"pattern": stix.REPLAY.pattern, "extensions": {stix.REPLAY.id: {"share": "much"}}}, "not what is minted"),
        ({"pattern": "[file:name = 'a']"}, "file:name"),
        ({"pattern": "[ipv4-addr:value = '8.8.4.9' AND ipv4-addr:value = '8.8.4.8']"}, "joined with other things"),
    ],
)
def test_what_is_not_looked_for_is_said(change: dict[str, Any], says: str) -> None:
    each = next(e for e in OBJECTS if "8.8.4.0/24" in e.get("pattern", ""))
    engine = log(account_addresses=[{"account_id": "a", "address": "8.8.4.9", "prefix": None, "n": 100}])
    older = [each] if "revoked" in change else []
    found = matched(engine, [each | change, *older])
    assert found.matches == ()
    assert len(found.silent) == 1
    assert says in found.silent[0]


def test_confidence_is_that_of_the_end_of_the_log() -> None:
    rows = [{"account_id": "a", "address": "8.8.4.9", "prefix": None, "n": 1}]
    early = matched(log(account_addresses=rows), at=datetime(2026, 2, 20, tzinfo=UTC)).matches[0].confidence
    late = matched(log(account_addresses=rows), at=datetime(2026, 3, 20, tzinfo=UTC)).matches[0].confidence
    assert early == 85 > late > 0
