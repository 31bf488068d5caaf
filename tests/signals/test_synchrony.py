import numpy as np

from stillwatch.signals.load_sharing import LoadSharing
from stillwatch.signals.synchrony import Synchrony
from tests.signals.made import DAY, HOUR, activity, office


def lockstep(rng: np.random.Generator, accounts: int, jitter: float) -> object:
    """Accounts told to act at the same moments."""
    moments = rng.integers(0, 5, 60) * DAY + rng.integers(9 * HOUR, 18 * HOUR, 60)
    account = np.repeat(np.arange(accounts), 60)
    time = np.tile(moments, accounts) + rng.normal(0, jitter * 1e6, len(account)).astype(np.int64)
    return activity(account, np.maximum(time, 0))


def test_office_hours_are_no_synchrony() -> None:
    rest = office(np.random.default_rng(0), 150)
    p = [Synchrony().test(office(np.random.default_rng(s), 20), rest, s).p_value for s in range(1, 41)]
    assert np.mean(np.array(p) < 0.1) <= 0.2
    assert min(p) > 1e-3


def test_lockstep_is() -> None:
    rng = np.random.default_rng(5)
    rest = office(rng, 100)
    assert Synchrony().test(lockstep(rng, 8, 20), rest, 0).p_value < 1e-4
    assert Synchrony().test(lockstep(rng, 30, 120), rest, 0).p_value < 1e-4
    assert Synchrony().test(lockstep(rng, 8, 3600), rest, 0).p_value > 1e-3


def test_everybodys_full_hour_is_left_out() -> None:
    rng = np.random.default_rng(6)

    def cron(accounts: int) -> object:
        account = np.repeat(np.arange(accounts), 200)
        on_the_hour = rng.random(len(account)) < 0.5
        time = rng.integers(0, 48, len(account)) * HOUR
        time += np.where(on_the_hour, rng.integers(0, 50_000_000, len(account)), rng.integers(0, HOUR, len(account)))
        return activity(account, time)

    assert Synchrony().test(cron(15), cron(60), 0).p_value > 0.01


def test_too_little_is_said_to_be_too_little() -> None:
    few = activity([0, 1], [0, DAY])
    assert Synchrony().test(few, few, 0).abstained
    assert LoadSharing().test(few, few, 0).abstained


def test_taking_turns_is_steadier_than_chance_and_independence_is_not() -> None:
    rng = np.random.default_rng(7)
    rows = 6_000
    time = np.sort(np.arange(rows) * 10_000_000 + rng.integers(0, 2_000_000, rows))
    turns = activity(np.arange(rows) % 50, time)
    assert LoadSharing().test(turns, turns, 0).p_value < 1e-3
    p = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        alone = activity(draw.integers(0, 12, 4_000), draw.integers(0, 12 * HOUR, 4_000))
        p.append(LoadSharing().test(alone, alone, seed).p_value)
    assert np.mean(np.array(p) < 0.1) <= 0.225
    assert min(p) > 1e-3


def test_the_same_seed_gives_the_same_reading() -> None:
    rng = np.random.default_rng(8)
    cluster, rest = office(rng, 20), office(rng, 60)
    for signal in (Synchrony(), LoadSharing()):
        assert signal.test(cluster, rest, 3) == signal.test(cluster, rest, 3)
