from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillwatch.lab import KNOBS
from stillwatch.lab.campaigns import CAMPAIGNS
from stillwatch.lab.evasion import evade
from stillwatch.lab.population import POPULATION
from tests.lab.conftest import Log, make

_NAME = "deepseek_2026"


def _log(out: Path, **evade: float) -> Log:
    return make(out, _NAME, requests=20_000, seed=3, days=5, share=0.2, evade=evade)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return _log(tmp_path_factory.mktemp("plain"))


def _mean(rows: list[dict[str, Any]], test: Any) -> float:
    return float(np.mean([bool(test(row)) for row in rows]))


@pytest.mark.parametrize("knob", [knob.name for knob in KNOBS])
def test_a_knob_turns_campaigns_and_nobody_else(knob: str) -> None:
    for group in CAMPAIGNS:
        assert evade(group, {knob: 0.0}) == group
    assert any(evade(group, {knob: 1.0}) != group for group in CAMPAIGNS)
    assert all(evade(group, {knob: 1.0}) == group for group in POPULATION)


def test_the_truth_says_which_knobs_were_turned(tmp_path: Path) -> None:
    log = _log(tmp_path, jitter=0.5)
    assert [group["knobs"] for group in log.groups if group["group"] == _NAME] == [{"jitter": 0.5}]


def test_jitter_breaks_the_turns(plain: Log, tmp_path: Path) -> None:
    def repeats(log: Log) -> float:
        sender = [row["account_id"] for row in log.of(_NAME)]
        return float(np.mean([a == b for a, b in pairwise(sender)]))

    assert repeats(plain) < 0.02 < repeats(_log(tmp_path, jitter=1))


def test_residential_leaves_the_hosting_networks(plain: Log, tmp_path: Path) -> None:
    other = _log(tmp_path, residential=1)
    share = [len({row["client_ip"] for row in log.of(_NAME)}) / len(log.of(_NAME)) for log in (plain, other)]
    assert share[0] < 0.6 < 0.85 < share[1]


def test_virtual_cards_share_no_instrument(plain: Log, tmp_path: Path) -> None:
    tokens = [
        [row["payment_fingerprint"] for row in log.accounts_of(_NAME)]
        for log in (plain, _log(tmp_path, virtual_cards=1))
    ]
    assert max(Counter(tokens[0]).values()) == 12
    assert max(Counter(tokens[1]).values()) == 1


def test_paraphrase_leaves_no_common_opening(plain: Log, tmp_path: Path) -> None:
    openings = [Counter(row["prompt"][:60] for row in log.of(_NAME)) for log in (plain, _log(tmp_path, paraphrase=1))]
    assert len(openings[0]) <= 8
    assert len(openings[1]) > 500


def test_admixture_relays_innocent_requests(tmp_path: Path) -> None:
    log = _log(tmp_path, admixture=0.6)
    counts = {group["group"]: group["requests"] for group in log.groups}
    assert counts["relayed_customers"] / (counts["relayed_customers"] + counts[_NAME]) == pytest.approx(0.6, abs=0.05)
    members = {row["account_id"] for row in log.accounts_of(_NAME)}
    assert {row["account_id"] for row in log.of("relayed_customers")} <= members


def test_slow_drip_spreads_over_more_accounts(plain: Log, tmp_path: Path) -> None:
    log = _log(tmp_path, slow_drip=1)
    rate = [len(each.of(_NAME)) / len(each.accounts_of(_NAME)) / 5 for each in (plain, log)]
    assert rate[1] == pytest.approx(4, rel=0.1)
    assert rate[0] > 2 * rate[1]


def test_aged_accounts_were_made_long_before(plain: Log, tmp_path: Path) -> None:
    def ages(log: Log) -> np.ndarray:
        return np.array([(log.written.first - row["created_at"]).days for row in log.accounts_of(_NAME)])

    old = ages(_log(tmp_path, aged_accounts=1))
    assert ages(plain).max() < 10 < 50 < old.min()
    assert np.ptp(old) > 200


def test_hand_over_replaces_pool_by_pool(plain: Log, tmp_path: Path) -> None:
    def spans(log: Log) -> float:
        seen: dict[str, list[Any]] = {}
        for row in log.of(_NAME):
            seen.setdefault(row["account_id"], []).append(row["timestamp"])
        whole = (log.written.last - log.written.first).total_seconds()
        return float(np.median([(max(times) - min(times)).total_seconds() / whole for times in seen.values()]))

    assert spans(_log(tmp_path, hand_over=1)) < 0.25 < 0.8 < spans(plain)


def test_disposable_mail(plain: Log, tmp_path: Path) -> None:
    public = {"gmail.com", "outlook.com", "yahoo.com", "hotmail.com"}
    shares = [
        _mean(log.accounts_of(_NAME), lambda row: row["email_domain"] in public)
        for log in (plain, _log(tmp_path, disposable=1))
    ]
    assert shares[1] == 0 < 0.3 < shares[0]


def test_random_clients(plain: Log, tmp_path: Path) -> None:
    def clients(log: Log) -> float:
        seen: dict[str, set[str]] = {}
        for row in log.of(_NAME):
            seen.setdefault(row["account_id"], set()).add(row["user_agent"])
        return float(np.median([len(agents) for agents in seen.values()]))

    assert 2 * clients(plain) < clients(_log(tmp_path, random_clients=1))
