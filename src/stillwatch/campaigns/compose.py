"""An assessed cluster with its requests -> a ``schema.campaign.Campaign``."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.campaigns import describe, objectives
from stillwatch.campaigns.assess import Assessment
from stillwatch.campaigns.coverage import Standing
from stillwatch.campaigns.naming import namers
from stillwatch.campaigns.openly import Openness
from stillwatch.campaigns.shared import shared_of
from stillwatch.campaigns.skeletons import family_id
from stillwatch.engine import Engine
from stillwatch.engine.sql import floor_div
from stillwatch.schema.campaign import Campaign, Member, Template
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Holders, Incidence, Named

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000
#: Template families told of a campaign.
TEMPLATES_TOLD = 12

_BY_ACCOUNT = """
SELECT part, account_id, COUNT(*) AS requests_total, COUNT(*) FILTER (WHERE belongs) AS requests,
  SUM(output_tokens) FILTER (WHERE belongs) AS output_tokens,
  MIN(micros) FILTER (WHERE belongs) AS first_seen, MAX(micros) FILTER (WHERE belongs) AS last_seen
FROM belonging GROUP BY part, account_id ORDER BY part, account_id
"""
_BY_HOUR = f"""
SELECT part, {floor_div("micros", HOUR)} AS hour, COUNT(*) AS requests, COUNT(DISTINCT account_id) AS accounts
FROM belonging WHERE belongs GROUP BY part, {floor_div("micros", HOUR)} ORDER BY part, hour
"""  # noqa: S608 - a constant is put in
_BY_CUES = """
SELECT part, prompt_cues, COUNT(*) AS requests FROM belonging WHERE belongs AND prompt_cues IS NOT NULL
GROUP BY part, prompt_cues ORDER BY part, prompt_cues
"""
_BY_TEMPLATE = """
SELECT part, template, COUNT(*) AS requests, COUNT(DISTINCT account_id) AS accounts,
  COUNT(DISTINCT prompt_hash) AS fillings, MIN(request_id) AS example
FROM belonging WHERE belongs AND template IS NOT NULL AND template <> 0
GROUP BY part, template ORDER BY part, requests DESC, template
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What ``belonging`` adds up to, by cluster: accounts, hours, cues and templates, rows as dicts."""

    accounts: dict[int, list[dict[str, Any]]]
    hours: dict[int, list[dict[str, int]]]
    cues: dict[int, dict[int, int]]
    templates: dict[int, list[dict[str, int]]]


def count(engine: Engine) -> Counts:
    """Add up ``belonging`` (see ``belonging.save_belonging``)."""
    cues: dict[int, dict[int, int]] = {}
    for row in engine.sql(_BY_CUES).to_pylist():
        cues.setdefault(row["part"], {})[row["prompt_cues"]] = row["requests"]
    return Counts(
        _grouped(engine.sql(_BY_ACCOUNT)), _grouped(engine.sql(_BY_HOUR)), cues, _grouped(engine.sql(_BY_TEMPLATE))
    )


def _grouped(table: pa.Table) -> dict[int, list[dict[str, Any]]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        groups.setdefault(row.pop("part"), []).append(row)
    return groups


def campaign(
    part: int,
    assessment: Assessment,
    graph: Incidence,
    held: Holders,
    counts: Counts,
    rest_cues: tuple[dict[int, int], int],
    openness: Openness,
    standing: Standing,
    fdr: float,
    abstained: Sequence[str],
    basis: str,
    named: Sequence[Named] = (),
) -> Campaign:
    """The finding of one assessed cluster.

    Args:
        part: the cluster's number in ``counts``.
        assessment: its tests.
        graph: the account-artifact graph.
        held: its inverse.
        counts: what its requests add up to.
        rest_cues: cues of other accounts' requests (bit set -> requests), and how many requests they are.
        openness: whether it is openly one customer.
        standing: what the authorised programmes say of it.
        fdr: the false-discovery rate.
        abstained: signals that could not run at all.
        basis: which natural groups it was compared with, for a sentence.
        named: groups that others' indicators name.
    """
    rows = [row for row in counts.accounts.get(part, []) if row["requests"]]
    requests = sum(int(row["requests"]) for row in rows)
    members = _members(rows, assessment, graph, describe.shared_by(graph, held, assessment))
    accounts = tuple(member.account_id for member in members)
    first, last = min(m.first_seen for m in members), max(m.last_seen for m in members)
    not_measured = describe.not_measured_of(assessment.readings, abstained)
    families: dict[Family, float] = {}
    for kind, bits in zip(graph.kinds, assessment.kinds.tolist(), strict=True):
        families[kind.family] = max(families.get(kind.family, 0.0), bits)
    return Campaign(
        id="c-" + hashlib.blake2b("\n".join(sorted(accounts)).encode(), digest_size=6).hexdigest(),
        accounts=accounts,
        first_seen=first,
        last_seen=last,
        requests=requests,
        output_tokens=sum(member.output_tokens for member in members),
        score=_rounded(-float(np.log2(max(assessment.p_value, 1e-300)))),
        p_value=_rounded(assessment.p_value),
        q_value=_rounded(assessment.q_value),
        targets=objectives.targets(counts.cues.get(part, {}), requests, *rest_cues),
        techniques=objectives.techniques(families),
        evidence=describe.evidence_of(graph, held, assessment),
        considered=describe.considered_of(assessment, openness, standing, fdr, basis),
        confidence=describe.confidence_of(assessment, not_measured),
        would_change=describe.would_change(assessment),
        not_measured=not_measured,
        members=members,
        ties=describe.ties_of(graph, held, assessment),
        templates=tuple(
            Template(
                family_id(row["template"]), "", row["requests"],
                row["accounts"], row["fillings"],
            )
            for row in counts.templates.get(part, [])[:TEMPLATES_TOLD]
        ),
        timeline=tuple(
            (_EPOCH + timedelta(hours=row["hour"]), row["requests"], row["accounts"])
            for row in counts.hours.get(part, [])
        ),
        shared=shared_of(graph, held, assessment),
        put_forward_by=tuple(sorted(
            {*assessment.cluster.by, *namers(assessment.cluster.actors, named, len(graph.actors))}
        )),
    )  # fmt: skip


def _members(
    rows: list[dict[str, Any]], assessment: Assessment, graph: Incidence, shared: Mapping[str, tuple[str, ...]]
) -> tuple[Member, ...]:
    odds = {
        account: float(log_odds)
        for actor, log_odds in zip(assessment.cluster.actors, assessment.cluster.odds, strict=True)
        for account in graph.accounts[actor]
    }
    return tuple(
        Member(
            account_id=str(row["account_id"]),
            score=_rounded(1.0 / (1.0 + 2.0 ** -min(odds[str(row["account_id"])], 60.0))),
            requests=row["requests"],
            requests_total=row["requests_total"],
            output_tokens=row["output_tokens"] or 0,
            first_seen=_EPOCH + timedelta(microseconds=row["first_seen"]),
            last_seen=_EPOCH + timedelta(microseconds=row["last_seen"]),
            ties=shared.get(str(row["account_id"]), ()),
        )
        for row in rows
    )


def _rounded(value: float) -> float:
    """Six significant digits: the last bits of a float differ between engines, findings must not."""
    return float(np.format_float_positional(value, 6, fractional=False)) if value else 0.0
