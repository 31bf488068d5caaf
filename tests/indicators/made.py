"""Findings for the tests, in the shape of ``campaigns.json``: MITRE's case AML.CS0056, retold with made-up details.

What is public of the case: three campaigns reported in February 2026, hundreds of accounts each and a proxy network of
more than 20,000, synchronised and alike, with shared payments; one asked that the reasoning behind a finished answer be
written out and had answers graded by rubrics, one was after agentic reasoning and tool use, one ran through a network
that carried unrelated customers too. Every account, address and fingerprint here is invented.
"""

from pathlib import Path
from typing import Any

import msgspec

from stillwatch.indicators.findings import Finding

KEY = bytes(range(32))
GOLDEN = Path(__file__).parent / "golden"
CASE = "AML.CS0056"
TECHNIQUES = ["AML.T0008.005", "AML.T0021", "AML.T0024.002", "AML.T0040", "AML.T0065"]
#: Words that stand in the findings and must not stand in anything minted.
SECRETS = ("acct-", "Ms Example", "pay_", "sk-live", "unreleased-model-x", "examplecorp", "1,234,567")


def shared(kind: str, value: str, accounts: int, measured: int, elsewhere: int = 0) -> dict[str, Any]:
    return {"kind": kind, "value": value, "accounts": accounts, "measured": measured, "elsewhere": elsewhere,
            "share": 0.01}  # fmt: skip


def campaign(name: str, accounts: int, **more: Any) -> dict[str, Any]:
    """A finding of ``accounts`` accounts, with text that must not leave in every place where there may be text."""
    return {
        "id": f"c-{name}",
        "accounts": [f"acct-{name}-{number}" for number in range(accounts)],
        "first_seen": "2026-01-05T13:37:42.123456Z",
        "last_seen": "2026-02-20T01:02:03.000004Z",
        "requests": 1_234_567,
        "output_tokens": 987_654_321,
        "score": 99.5,
        "p_value": 1e-30,
        "q_value": 1e-9,
        "targets": ["reasoning"],
        "techniques": TECHNIQUES,
        "evidence": [{"signal": "template", "summary": "1,234,567 requests of examplecorp", "value": 1.0,
                      "p_value": 1e-9, "examples": ["Ms Example asks"]}],
        "considered": [{"explanation": "classroom", "why": "1,234,567 of unreleased-model-x, pay_1"}],
        "ties": [{"kind": "payment instrument", "value": "pay_1", "accounts": ["acct-1"], "accounts_total": 2,
                  "accounts_elsewhere": 0, "bits": 9.0}],
        "templates": [],
        "shared": [],
    } | more  # fmt: skip


def template(name: str, anchors: int = 4, needed: int = 2, accounts: int = 200) -> dict[str, Any]:
    names = sorted(f"{(int(name, 16) * 2654435761 * (place + 1)) % 2**64:016x}" for place in range(anchors))
    return {"id": names[0] if names else name, "skeleton": "Ms Example wrote: sk-live …", "requests": 9, "fillings": 9,
            "accounts": accounts, "anchors": names, "needed": needed}  # fmt: skip


def cs0056() -> list[dict[str, Any]]:
    """The three campaigns of the case."""
    rubric = campaign(
        "d", 400, targets=["reasoning", "grading"], templates=[template("1a"), template("2b", 5)],
        evidence=[{"signal": s, "summary": "examplecorp"} for s in ("cue_reconstruction", "cue_rubric", "synchrony")],
        shared=[
            shared("client_prefix", "8.8.4.0/24", 40, 400), shared("client_prefix", "10.1.2.0/24", 40, 400),
            shared("client", "t13d1506h2_2ad17872efc4_7872efc4c6f9 | python-requests/2.31.0 | ge20nn566db5c935bb001a",
                   300, 400, 5),
            shared("client", "t13d1506h2_2ad17872efc4_7872efc4c6f9 | examplecorp-bot/1.0 | ge20nn566db5c935bb001a",
                   60, 400, 1),
            shared("tls_fingerprint", "t13d1506h2_2ad17872efc4_7872efc4c6f9", 360, 400, 20),
            shared("header_order", "ge20nn566db5c935bb001a", 360, 400, 200),
            shared("created_day", "20440", 210, 400), shared("idle_before_use", "64 to 256", 390, 400),
            shared("daily_requests", "11.314 to 16", 310, 400), shared("cue_reconstruction", "0.5 to 0.9", 350, 400),
        ],
    )  # fmt: skip
    agentic = campaign(
        "m", 900, targets=["agentic use", "coding"], templates=[template("3c", 3)],
        evidence=[{"signal": s, "summary": "examplecorp"} for s in ("cue_agentic", "cue_coding", "cue_structured")],
        shared=[
            shared("client_prefix", "2606:4700:1::/48", 12, 900),
            shared("cue_agentic", "0.9 or more", 800, 900), shared("long_outputs", "0.5 to 0.9", 500, 900),
            shared("session_replay", "0.1 to 0.5", 450, 900),
        ],
    )  # fmt: skip
    relayed = campaign(
        "x", 20_500, targets=["coding"], q_value=0.004,
        evidence=[{"signal": s, "summary": "examplecorp"} for s in ("relay", "model_move", "payment_fingerprint")],
        templates=[template("4d", 2), template("5e", 0, 0)],
        shared=[
            shared("addresses", "17 to 33", 15_000, 20_500, 40),
            shared("address_turnover", "0.9 or more", 12_000, 20_500),
            shared("model_move", "0.1 to 0.5", 11_000, 20_500),
            shared("foreign_replay", "0.02 to 0.1", 11_000, 20_500, 4),
        ],
    )  # fmt: skip
    return [rubric, agentic, relayed]


def findings(campaigns: list[dict[str, Any]] | None = None) -> tuple[Finding, ...]:
    return msgspec.convert(cs0056() if campaigns is None else campaigns, tuple[Finding, ...])
