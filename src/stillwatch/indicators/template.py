"""Template fingerprints against the anchors of prompts: a kernel, so that it runs where the log is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.engine import Engine
from stillwatch.schema import stix

_ON = pa.schema([("account_id", pa.string()), ("place", pa.int64())])


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Several template fingerprints; anchor ``anchors[i]`` is in those of ``places[starts[i] : starts[i + 1]]``.

    Attributes:
        anchors: every anchor, once, ascending.
        starts, places: see above.
        needed: anchors that a prompt must have, of each fingerprint.
    """

    anchors: NDArray[np.int64]
    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    needed: NDArray[np.int64]


def fingerprints(contents: Sequence[dict[str, Any]]) -> Fingerprints:
    """``contents`` of template-fingerprint extensions, ready to be looked up."""
    pairs = sorted(
        {(_signed(anchor), place) for place, content in enumerate(contents) for anchor in content["anchors"]}
    )
    anchor = np.array([pair[0] for pair in pairs], np.int64)
    anchors, first = np.unique(anchor, return_index=True)
    return Fingerprints(
        anchors,
        np.append(first, len(pairs)).astype(np.int64),
        np.array([pair[1] for pair in pairs], np.int64),
        np.array([content["needed"] for content in contents], np.int64),
    )


def _signed(digits: str) -> int:
    number = int(digits, 16)
    return number - (1 << 64) if number >> 63 else number


def on_templates(batch: pa.RecordBatch, looks: Fingerprints | None = None) -> pa.RecordBatch:
    """Kernel: rows of (account_id, prompt_anchors) as one row for each prompt and fingerprint that it matches."""
    lists: Any = batch.column("prompt_anchors").cast(pa.list_(pa.int64())).fill_null([])
    account: Any = batch.column("account_id").cast(pa.string())
    if looks is None or not len(looks.anchors):
        return pa.RecordBatch.from_arrays([account.slice(0, 0), pa.array([], pa.int64())], schema=_ON)
    starts = np.asarray(lists.offsets, np.int64)
    values = np.asarray(lists.values)[starts[0] : starts[-1]]
    rows = np.repeat(np.arange(len(lists)), np.diff(starts))
    found = np.minimum(np.searchsorted(looks.anchors, values), len(looks.anchors) - 1)
    hit = looks.anchors[found] == values
    # a prompt's anchors are distinct where they are taken here, but not in what a log carries
    ties = np.unique(np.stack([rows[hit], found[hit]]), axis=1)
    row, anchor = ties[0], ties[1]
    lengths = looks.starts[anchor + 1] - looks.starts[anchor]
    places = np.repeat(looks.starts[anchor] - np.r_[0, np.cumsum(lengths)[:-1]], lengths) + np.arange(lengths.sum())
    both = np.repeat(row, lengths) * len(looks.needed) + looks.places[places]
    both, counts = np.unique(both, return_counts=True)
    row, place = both // len(looks.needed), both % len(looks.needed)
    enough = counts >= looks.needed[place]
    return pa.RecordBatch.from_arrays([account.take(pa.array(row[enough])), pa.array(place[enough])], schema=_ON)


def match_templates(indicators: Sequence[stix.Object], engine: Engine) -> Iterable[tuple[str, str, int, str]]:
    """(account, indicator, requests, why) for each account with prompts on an indicator's template.

    Args:
        indicators: with template-fingerprint extensions.
        engine: holds ``prints``, unkeyed: anchors under a key of the log's own meet no others.
    """
    contents = [each["extensions"][stix.TEMPLATE.id] for each in indicators]
    query = "SELECT account_id, prompt_anchors FROM prints WHERE prompt_anchors IS NOT NULL"
    engine.map("on_fingerprints", query, partial(on_templates, looks=fingerprints(contents)), _ON)
    rows = engine.sql(
        "SELECT account_id, place, COUNT(*) AS n FROM on_fingerprints GROUP BY account_id, place"
    ).to_pylist()
    engine.drop("on_fingerprints")
    for row in rows:
        needed = contents[row["place"]]["needed"]
        why = f"have {needed} or more of the {len(contents[row['place']]['anchors'])} phrases of the template"
        yield row["account_id"], indicators[row["place"]]["id"], int(row["n"]), why
