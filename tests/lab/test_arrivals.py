from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from stillwatch.lab.accounts import DAY, Cast, apportion, cast
from stillwatch.lab.arrivals import Events, _operational, arrivals
from stillwatch.lab.infrastructure import Internet
from stillwatch.lab.population import POPULATION
from stillwatch.lab.spec import Group, Signup, Tempo

_START = 1_767_571_200_000_000  # a Monday
_PLATFORM = next(group for group in POPULATION if group.name == "platform")


def _play(tempo: Tempo, *, accounts: int = 20, requests: int = 8000, days: float = 4) -> tuple[Cast, Events]:
    group = Group("g", "benign", "", 1.0, accounts, 0.1, tempo=tempo, signup=Signup())
    people = cast([group], Internet(1), requests=requests, seed=9, start=_START, days=days, release=_START + DAY)
    return people, arrivals(people, seed=9, start=_START, days=days)


def _hours(events: Events, account: int) -> np.ndarray:
    return np.bincount((events.time[events.account == account] - _START) // 3_600_000_000, minlength=96)


@pytest.mark.parametrize("requests", [1, 7, 999, 100_000])
def test_requests_are_shared_out_to_the_last(requests: int) -> None:
    plan = apportion(POPULATION, requests, 7)
    assert sum(count for count, _ in plan) == requests
    assert all(1 <= accounts <= max(count, 1) for count, accounts in plan)


def test_every_account_sends_its_number_within_its_life() -> None:
    for tempo in (Tempo(), Tempo(queue=1.0, pools=((1, 0, 0.5), (1, 0.5, 1)))):
        people, events = _play(tempo)
        assert np.array_equal(np.bincount(events.account, minlength=20), people.requests)
        assert np.all(np.diff(events.time) >= 0)
        assert np.all(events.time >= people.first[events.account])
        assert np.all(events.time <= people.last[events.account])


def test_gaps_have_the_coefficient_of_variation_asked_for() -> None:
    for cv in (0.5, 1.0, 3.0):
        _, moments = _operational(np.array([20_000]), np.array([cv]), np.random.default_rng(1))
        gaps = np.diff(moments)
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.1)


def test_synchronised_accounts_rise_and_fall_together() -> None:
    def together(sync: float) -> float:
        tempo = Tempo(volume_sd=0.1, rhythm=0, active=(50, 0.1), sync=sync, stagger=0, cv=1.0)
        _, events = _play(tempo)
        hours = np.array([_hours(events, i) for i in range(20)])
        return float(np.corrcoef(hours)[np.triu_indices(20, 1)].mean())

    assert together(0.0) < 0.1 < 0.4 < together(1.0)


def test_a_queue_takes_turns() -> None:
    def repeats(queue: float) -> float:
        _, events = _play(Tempo(volume_sd=0.0, queue=queue, stagger=0, active=(50, 0.1)))
        return float(np.mean(events.account[1:] == events.account[:-1]))

    assert repeats(1.0) < 0.005
    assert repeats(0.2) > 0.02


def test_pools_hand_over() -> None:
    people, events = _play(Tempo(pools=((1, 0, 0.5), (1, 0.5, 1)), stagger=0))
    early, late = (events.time[np.isin(events.account, part)] for part in (np.arange(10), np.arange(10, 20)))
    assert early.max() <= late.min()
    assert len(early) > 0 < len(late)
    assert len(people.key) == 20


def test_sessions_are_numbered_and_pause_ends_them() -> None:
    _, events = _play(Tempo(session=5))
    for account in range(20):
        mine = events.account == account
        session, turn, time = events.session[mine], events.turn[mine], events.time[mine]
        assert np.all(np.diff(session) >= 0)
        fresh = np.diff(session) > 0
        assert np.all(turn[1:][fresh] == 0)
        assert np.all(turn[1:][~fresh] == turn[:-1][~fresh] + 1)
        assert np.all(np.diff(time)[~fresh] <= 5_400_000_000)


def test_large_customers_have_the_shapes_of_servegen() -> None:
    """The figures in ``population``'s docstring, with room for a sample of 60 customers."""
    group = replace(_PLATFORM, rate=1.0, accounts=60)
    people = cast([group], Internet(4), requests=300_000, seed=4, start=_START, days=3, release=_START)
    events = arrivals(people, seed=4, start=_START, days=3)
    volume = np.sort(people.requests)[::-1]
    assert 1.6 <= np.log(volume).std() <= 2.7
    assert 0.63 <= volume[:10].sum() / volume.sum() <= 0.95
    cvs = _cvs(events.account, events.time)
    assert np.quantile(cvs, 0.25) == pytest.approx(1.0, abs=0.4)
    assert np.median(cvs) == pytest.approx(1.4, abs=0.5)
    assert 1.7 <= np.quantile(cvs, 0.8) <= 5.6


def _cvs(account: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Median coefficient of variation of the gaps inside ten-minute windows of at least 20 requests, by customer."""
    medians = []
    for each in np.unique(account):
        mine = time[account == each]
        windows = np.split(mine, np.nonzero(np.diff(mine // 600_000_000))[0] + 1)
        values = [np.diff(window).std() / np.diff(window).mean() for window in windows if len(window) >= 20]
        if len(values) >= 3:
            medians.append(float(np.median(values)))
    return np.array(medians)


def test_the_fitted_figures_are_those_of_the_published_data() -> None:
    path = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "servegen_clients.parquet"
    if not path.is_file():
        pytest.skip("the public corpora are not here")
    table = pq.read_table(path, columns=["model", "client", "rate_per_s", "cv"], filters=[("model", "==", "m-large")])
    client, rate, cv = (table[name].to_numpy() for name in ("client", "rate_per_s", "cv"))
    total = np.bincount(client, np.nan_to_num(rate))
    total = np.sort(total[total > 0])[::-1]
    assert np.log(total).std() == pytest.approx(_PLATFORM.tempo.volume_sd, abs=0.02)
    assert 0.63 <= total[:10].sum() / total.sum() <= 0.93
    active = (rate > 0) & np.isfinite(cv)
    medians = [np.median(cv[active & (client == each)]) for each in np.unique(client[active])]
    assert np.median(medians) == pytest.approx(_PLATFORM.tempo.cv, abs=0.1)
    assert np.std(np.log(medians)) == pytest.approx(_PLATFORM.tempo.cv_sd, abs=0.15)
    spread = [
        np.std(np.log(rate[active & (client == each)]))
        for each in np.unique(client)
        if (active & (client == each)).sum() > 20
    ]
    assert np.median(spread) == pytest.approx(_PLATFORM.tempo.window_sd, abs=0.1)
