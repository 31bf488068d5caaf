"""Anchors of template families: told only if several accounts of the campaign have them, and few others do."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.fingerprints import MIN_ACCOUNTS, ties, with_fingerprints
from stillwatch.campaigns.skeletons import family_id
from stillwatch.engine import DuckDBEngine
from stillwatch.schema.campaign import Campaign, Template
from stillwatch.text.families import Families
from tests.console.samples import small_campaign

ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.lists(st.integers(-3, 3), max_size=5)), max_size=6)


@given(ROWS, st.sets(st.integers(-3, 3)), st.integers(0, 3))
def test_the_kernel_keeps_what_is_wanted(rows: list[tuple[str, list[int] | None]], wanted: set[int], at: int) -> None:
    batch = pa.RecordBatch.from_arrays(
        [pa.array([row[0] for row in rows]), pa.array([row[1] for row in rows], pa.list_(pa.int64()))],
        names=["account_id", "prompt_anchors"],
    ).slice(at)
    found = ties(batch, np.array(sorted(wanted), np.int64))
    expected = [(a, anchor) for a, held in rows[at:] for anchor in held or () if anchor in wanted]
    assert list(zip(*(column.to_pylist() for column in found.columns), strict=True)) == expected


def told(holders: dict[int, str], needed: int = 2) -> Template:
    """The template of a campaign of a, b, c and d whose anchors these accounts (one a letter) have."""
    anchors = sorted(holders)
    families = Families(
        np.array(anchors), np.zeros(len(anchors), np.int64), np.array([anchors[0]]), np.array([needed]),
        np.array([9]), np.array([4]),
    )  # fmt: skip
    campaign: Campaign = replace(
        small_campaign(), accounts=tuple("abcd"), templates=(Template(family_id(anchors[0]), "", 9, 4, 9),)
    )
    engine = DuckDBEngine(memory="256MB", threads=1)
    try:
        rows = [{"account_id": name, "prompt_anchors": [a]} for a, names in holders.items() for name in names]
        schema = pa.schema([("account_id", pa.string()), ("prompt_anchors", pa.list_(pa.int64()))])
        engine.load("prints", pa.Table.from_pylist(rows, schema))
        (filled,) = with_fingerprints(engine, [campaign], families)
        return filled.templates[0]
    finally:
        engine.close()


def test_an_anchor_of_few_accounts_or_of_many_others_is_not_told() -> None:
    template = told({-5: "abcd", 1: "abc", 2: "ab", 3: "abcdvwxyz", 4: "abcdwxyz"})
    assert template.anchors == tuple(sorted(family_id(anchor) for anchor in (-5, 1, 4)))
    assert template.needed == 2


@pytest.mark.parametrize("holders", [{1: "abcd", 2: "ab"}, {1: "a"}])
def test_a_template_with_too_few_anchors_left_is_not_told(holders: dict[int, str]) -> None:
    assert MIN_ACCOUNTS == 3
    template = told(holders)
    assert (template.anchors, template.needed) == ((), 0)
