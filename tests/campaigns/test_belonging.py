"""Which requests are told as the campaign's, request by request; and the skeletons of what they are built on."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from stillwatch.campaigns.belonging import BELONGING, judged
from stillwatch.campaigns.mixture import Mixture
from stillwatch.campaigns.skeletons import family_id, with_skeletons
from stillwatch.engine import DuckDBEngine
from stillwatch.schema.campaign import Campaign, Template

NUMBERS = ("prompt_hash", "prompt_words", "prompt_cues", "prompt_form", "system_hash", "template")


def batch(rows: list[tuple[int, str, int, int | None]]) -> pa.RecordBatch:
    """Rows of (part, account, micros, template)."""
    columns: dict[str, list[object]] = {name: [None] * len(rows) for name in NUMBERS}
    columns |= {
        "part": [row[0] for row in rows],
        "request_id": [f"r{i}" for i in range(len(rows))],
        "account_id": [row[1] for row in rows],
        "micros": [row[2] for row in rows],
        "model": ["m"] * len(rows),
        "output_tokens": [None] * len(rows),
        "template": [row[3] for row in rows],
    }
    text = {"request_id", "account_id", "model"}
    arrays = {name: pa.array(v, pa.string() if name in text else pa.int64()) for name, v in columns.items()}
    return pa.RecordBatch.from_pydict(arrays)


def mixture(template: int) -> Mixture:
    """Only ``template`` speaks for the campaign, strongly; account ``b`` is hardly one of it."""
    none = (np.zeros(0, np.int64), np.zeros(0))
    first = (np.array([0, template]), np.array([-3.0, 3.0]))
    values, ratios = zip(first, *[none] * 6, strict=True)
    return Mixture(values, ratios, {"a": 0.5, "b": 0.01}, 0.5)


def belongs(rows: list[tuple[int, str, int, int | None]], ends: dict[str, int] | None = None) -> list[bool]:
    found = judged(batch(rows), (mixture(7), None), ("m",), ends or {})
    assert found.schema == BELONGING
    return found["belongs"].to_pylist()


def test_a_request_belongs_if_that_is_more_likely_than_not() -> None:
    assert belongs([(0, "a", 1, 7), (0, "a", 2, None), (0, "b", 3, 7), (0, "unknown", 4, 7)]) == [
        True, False, False, True,
    ]  # fmt: skip


def test_of_a_cluster_without_a_mixture_all_requests_belong() -> None:
    assert belongs([(1, "a", 1, None), (1, "b", 2, 7)]) == [True, True]


def test_what_a_programme_covered_does_not_belong() -> None:
    rows: list[tuple[int, str, int, int | None]] = [(0, "a", 9, 7), (0, "a", 10, 7), (1, "b", 5, 7), (1, "c", 0, 7)]
    assert belongs(rows, {"a": 10, "b": 6}) == [False, True, False, True]


def test_skeletons_are_of_the_campaigns_own_prompts() -> None:
    engine = DuckDBEngine(threads=1, memory="256MiB")
    asked = [f"Rewrite the following text about {thing} in plain words" for thing in ("bees", "roads", "salt", "rain")]
    prompts = [*asked, "Rewrite the following text about nothing of the kind that others write, at length"]
    accounts = ["a", "b", "a", "b", "stranger"]
    requests = {"request_id": [f"r{i}" for i in range(5)], "account_id": accounts, "prompt": prompts}
    engine.load("requests", pa.table(requests))
    engine.load("belonging", pa.table({**requests, "template": [-5] * 5, "prompt_hash": list(range(5)),
                                       "belongs": [True] * 5}).drop_columns(["prompt"]))  # fmt: skip
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = Template(family_id(-5), "", 4, 2, 4)
    campaign = Campaign("c", ("a", "b"), at, at, 4, 0, 1.0, 0.1, 0.1, (), (), (), (), templates=(told,))
    (found,) = with_skeletons(engine, [campaign])
    assert found.templates[0].skeleton == "Rewrite the following text about ‹…› in plain words"
    assert with_skeletons(engine, ()) == ()
    engine.close()


def test_a_family_is_named_by_sixteen_digits() -> None:
    assert (family_id(-1), family_id(255)) == ("f" * 16, "00000000000000ff")
