"""From assessed clusters to findings: who is accused, listed, or cleared; and that a finding's figures add up."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from stillwatch import pipeline
from stillwatch.campaigns import Programme
from stillwatch.campaigns.compose import Counts
from stillwatch.campaigns.conclude import Conclusion, Ground, conclude
from stillwatch.campaigns.coverage import Standing
from stillwatch.schema.campaign import Findings
from stillwatch.schema.graph import holders
from stillwatch.schema.requests import ACCOUNTS
from tests.campaigns.made import POOL, STRANGERS, assessed, graph, trial
from tests.campaigns.test_openly import accounts as openly

MADE = graph()
HOUR = 3_600_000_000
STUDY = Programme("a study", "", frozenset(POOL), frozenset(), date(2027, 1, 31))


def counts(requests: int = 3) -> Counts:
    rows = [
        {"account_id": name, "requests": requests, "requests_total": 9, "output_tokens": None if i == 0 else 100 + i,
         "first_seen": i * HOUR, "last_seen": (i + 2) * HOUR + 1}
        for i, name in enumerate(POOL)
    ]  # fmt: skip
    templates = [{"template": -1, "requests": 30, "accounts": 10, "fillings": 29, "example": "r0"}]
    return Counts({0: rows}, {0: [{"hour": 5, "requests": 30, "accounts": 10}]}, {0: {1: 30}}, {0: templates})


def concluded(p_value: float = 1e-5, **changed: object) -> Conclusion:
    ground = Ground(
        MADE, holders(MADE), counts(), ({0: 10}, 10), ACCOUNTS.empty_table(), [Standing()], "groups in this traffic",
        [0.25], 0.01, ("card_bin: absent",),
    )  # fmt: skip
    one = assessed(MADE, [trial("coincidence", p_value)])
    return conclude([one], replace(ground, **changed))


def test_who_survives_the_control_is_accused_and_nobody_else() -> None:
    assert list(map(len, vars_of(concluded(1e-5)))) == [1, 0, 0]
    assert list(map(len, vars_of(concluded(0.01)))) == [1, 0, 0]
    assert list(map(len, vars_of(concluded(0.0101)))) == [0, 0, 1]


def vars_of(found: Conclusion) -> tuple[tuple[object, ...], ...]:
    return found.campaigns, found.authorised, found.cleared


def test_a_programme_is_looked_up_before_the_test() -> None:
    for p_value in (1e-5, 0.5):
        found = concluded(p_value, standing=[Standing(STUDY)])
        assert list(map(len, vars_of(found))) == [0, 1, 0]
        assert next(c.explanation for c in found.authorised[0].considered if c.holds) == "authorised programme"


def test_a_group_that_hides_nothing_is_cleared_however_strong_the_evidence() -> None:
    known = openly(payment_fingerprint="one", verified=True)
    known = known.set_column(0, "account_id", [[*POOL, *known["account_id"].to_pylist()[10:]]])
    (cleared,) = concluded(1e-9, accounts=known).cleared
    assert {c.explanation for c in cleared.considered if c.holds} == {"batch customer", "evaluation vendor"}


def test_a_cluster_without_requests_of_its_own_is_nothing() -> None:
    assert vars_of(concluded(counts=counts(0))) == ((), (), ())


def test_what_is_cleared_has_its_rank_and_what_is_accused_has_none() -> None:
    assert concluded(0.5).cleared[0].rank == 0.25
    assert concluded(1e-5).campaigns[0].rank is None


def test_the_figures_of_a_finding_add_up() -> None:
    (campaign,) = concluded().campaigns
    assert campaign.accounts == tuple(POOL)
    assert campaign.requests == 30
    assert campaign.output_tokens == sum(100 + i for i in range(1, 10))
    assert campaign.first_seen == datetime(1970, 1, 1, tzinfo=UTC)
    assert campaign.last_seen == datetime(1970, 1, 1, 11, 0, 0, 1, tzinfo=UTC)
    assert campaign.timeline == ((datetime(1970, 1, 1, 5, tzinfo=UTC), 30, 10),)
    assert (campaign.p_value, campaign.score) == (1e-5, 16.6096)
    assert [(t.id, t.requests, t.fillings) for t in campaign.templates] == [("f" * 16, 30, 29)]
    assert campaign.not_measured == ("card_bin: absent",)
    assert all(0.999 < member.score <= 1.0 and member.ties for member in campaign.members)


def test_the_id_is_of_the_accounts_alone() -> None:
    (one,) = concluded(1e-5).campaigns
    (two,) = concluded(1e-3).campaigns
    assert one.id == two.id
    rows = counts()
    fewer = replace(rows, accounts={0: rows.accounts[0][:-1]})
    assert concluded(counts=fewer).campaigns[0].id != one.id


@pytest.mark.parametrize(
    ("found", "q_value", "named"),
    [
        (concluded(1e-3), 1e-3, True),
        (concluded(0.3), 0.3, False),
        (concluded(1e-3, standing=[Standing(STUDY)]), 1.0, False),
    ],
)
def test_what_the_table_of_accounts_says(found: Conclusion, q_value: float, named: bool) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    findings = Findings(*vars_of(found), 0, 0, 0, at, at, 0.01, "duckdb", "0", "", (), ())  # type: ignore[arg-type]
    rows = {row["account_id"]: row for row in pipeline.accounts_table(findings, MADE).to_pylist()}
    assert sorted(rows) == sorted(POOL + STRANGERS)
    for name, row in rows.items():
        inside = name in POOL
        assert (row["campaign_id"] is not None) == (named and inside)
        assert row["q_value"] == (q_value if inside else 1.0)
        assert np.isclose(row["score"], 1.0 - q_value if inside else 0.0, atol=1e-5)
