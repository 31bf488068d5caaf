"""When requests arrive: bursts in operational time, windows that vary, days, queues and hand-overs.

Each account is a point process whose gaps in operational time are Gamma with the account's coefficient of variation,
mapped through the integral of its rate: a day's rhythm times log-normal windows, within the account's life and on its
active days. That is ServeGen's client model (Xiang et al., "ServeGen", arXiv 2505.09999): rate per window and bursts
within, client by client. A queue deals the moments of one such process out to many accounts in turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.lab.accounts import DAY, Cast
from stillwatch.lab.infrastructure import ZONES
from stillwatch.lab.keyed import Floats, Ints, Keys, keys, normal, uniform
from stillwatch.lab.spec import Group

_WINDOWS = 336  # at most; a window is ten minutes or longer
_SHORTEST = 600_000_000
_BLOCK = 2048  # accounts whose rates are in memory at once
_PAUSE = 5_400_000_000  # a silence after which a session is over


@dataclass(slots=True)
class Events:
    """All requests in order of time: account, microsecond, session of the account, place in it, place in its group."""

    account: NDArray[np.int32]
    time: Ints
    session: NDArray[np.int32]
    turn: NDArray[np.int32]
    task: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time)


def _cumulative(group: Group, people: Cast, rows: Ints, edges: Ints) -> Floats:
    """Integral of the rate of each account at the edges of the windows, from 0 to 1."""
    tempo, key = group.tempo, people.key[rows][:, None]
    middle, size = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    hour = middle / 3600e6 + ZONES[people.country[rows]][:, None]
    peak = 14 + 3 * normal("peak", key)
    rhythm = np.clip(tempo.rhythm * (0.5 + uniform("rhythm", key)), 0, 1)
    day = 1 + rhythm * np.cos((hour - peak) / 12 * np.pi)
    weekend = np.where(((hour // 24).astype(np.int64) + 3) % 7 >= 5, 1 - 0.6 * rhythm, 1.0)
    windows = np.arange(len(middle))
    own = normal("window", key, windows)
    common = normal("window", people.group_key[rows][:, None], "common", windows)
    noise = np.sqrt(1 - tempo.sync**2) * own + tempo.sync * common
    share = _beta(tempo.active, people.key[rows])[:, None]
    on = uniform("active", key, (middle // DAY).astype(np.int64)) < share
    first, last = people.first[rows][:, None], people.last[rows][:, None]
    inside = np.clip(np.minimum(edges[1:], last) - np.maximum(edges[:-1], first), 0, None) / size
    rate = day * weekend * np.exp(tempo.window_sd * noise) * inside
    working = rate * on
    rate = np.where(working.sum(axis=1, keepdims=True) > 0, working, rate) * size
    total = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rate, axis=1)], axis=1)
    return np.asarray(total / total[:, -1:], dtype=np.float64)


def _beta(shape: tuple[float, float], key: Keys) -> Floats:
    """Beta-like draws by key in closed form: the Kumaraswamy law, which has a Beta's shapes."""
    return np.asarray((1 - (1 - uniform("beta", key)) ** (1 / shape[1])) ** (1 / shape[0]), dtype=np.float64)


def _operational(counts: Ints, cv: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Owner and moment in (0, 1) of every request: cumulated Gamma gaps of each account, scaled to its span."""
    owner = np.repeat(np.arange(len(counts)), counts + 1)
    gaps = rng.standard_gamma(1 / cv[owner] ** 2) + 1e-9  # the shapes of great bursts give gaps too small for a float
    ends = np.cumsum(counts + 1)
    gaps /= np.add.reduceat(gaps, ends - counts - 1)[owner]  # each account's gaps sum to one
    moments = np.cumsum(gaps) - owner
    last = np.zeros(len(gaps), dtype=bool)
    last[ends - 1] = True
    return owner[~last], np.clip(moments[~last], 1e-9, 1 - 1e-9)


def _moments(
    group: Group, people: Cast, rows: Ints, counts: Ints, edges: Ints, rng: np.random.Generator
) -> Iterator[tuple[Ints, Ints]]:
    """Accounts and times, account by account, in blocks."""
    cv = group.tempo.cv * np.exp(group.tempo.cv_sd * normal("cv", people.key[rows]))
    cv = np.clip(cv, 0.5, 8.0)
    for at in range(0, len(rows), _BLOCK):
        some = rows[at : at + _BLOCK]
        owner, moment = _operational(counts[at : at + _BLOCK], cv[at : at + _BLOCK], rng)
        integral = _cumulative(group, people, some, edges)
        ladder = (integral + np.arange(len(some))[:, None]).ravel()  # one increasing ladder for all accounts
        width = integral.shape[1]
        place = np.searchsorted(ladder, moment + owner, side="right") - 1
        place = np.clip(place, owner * width, owner * width + width - 2)
        low, high = ladder[place], ladder[place + 1]
        part = np.where(high > low, (moment + owner - low) / np.where(high > low, high - low, 1), 0.5)
        window = place - owner * width
        # the part of a window that lies in the account's life
        opens = np.maximum(edges[window], people.first[some][owner])
        closes = np.maximum(np.minimum(edges[window + 1], people.last[some][owner]), opens + 1)
        yield some[owner], (opens + part * (closes - opens)).astype(np.int64)


def _dealt(group: Group, people: Cast, rows: Ints, times: Ints) -> tuple[Ints, Ints]:
    """Deal the group's moments to its accounts in turn, each within its life; ``queue`` < 1 disturbs the turn."""
    counts = people.requests[rows]
    account = np.repeat(rows, counts)
    nth = np.arange(len(account)) - np.repeat(np.cumsum(counts) - counts, counts)
    phase = uniform("deal", people.key[account])
    ideal = people.first[account] + (nth + phase) / counts[np.searchsorted(rows, account)] * (
        people.last[account] - people.first[account]
    )
    disturbed = (1 - group.tempo.queue) * DAY * normal("disturbed", people.key[account], nth)
    order = np.argsort(ideal + disturbed, kind="stable")
    account, moment = account[order], np.sort(times, kind="stable")
    first, last = people.first[account], people.last[account]
    outside = (moment < first) | (moment > last)  # an account is dealt nothing before it exists or after its end
    elsewhere = first + uniform("elsewhere", people.key[account], nth) * (last - first)
    return account, np.where(outside, elsewhere.astype(np.int64), moment)


def _sessions(group: Group, people: Cast, account: Ints, time: Ints) -> tuple[Ints, Ints]:
    """Session of each request within its account, and place in it; requests come in order of account and time."""
    fresh = np.ones(len(account), dtype=bool)
    fresh[1:] = (account[1:] != account[:-1]) | (np.diff(time) > _PAUSE)
    nth = np.arange(len(account))
    fresh |= uniform("session ends", people.key[account], nth) < 1 / max(group.tempo.session, 1.0)
    start = np.maximum.accumulate(np.where(fresh, nth, 0))
    opened = np.cumsum(fresh)
    first = np.ones(len(account), dtype=bool)
    first[1:] = account[1:] != account[:-1]
    before = np.maximum.accumulate(np.where(first, opened - 1, 0))
    return opened - before - 1, nth - start


def _places(unit: Keys, time: Ints) -> NDArray[np.int32]:
    """Place of each request among those of its group, or of its unit, in order of time."""
    order = np.lexsort((time, unit))
    nth = np.arange(len(unit))
    opens = np.ones(len(unit), dtype=bool)
    opens[1:] = unit[order][1:] != unit[order][:-1]
    places = np.empty(len(unit), dtype=np.int32)
    places[order] = nth - np.maximum.accumulate(np.where(opens, nth, 0))
    return places


def arrivals(people: Cast, *, seed: int, start: int, days: float) -> Events:
    """Every request of the scenario, in order of time."""
    span = int(days * DAY)
    windows = int(min(_WINDOWS, max(span // _SHORTEST, 1)))
    edges = np.linspace(start, start + span, windows + 1).astype(np.int64)
    parts: list[tuple[NDArray[np.int32], Ints, NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]] = []
    for i, group in enumerate(people.groups):
        rows = people.rows(i)
        rows = rows[people.requests[rows] > 0]
        if not len(rows):
            continue
        rng = np.random.default_rng([seed, *group.name.encode()])
        blocks = list(_moments(group, people, rows, people.requests[rows], edges, rng))
        account, time = (np.concatenate(column) for column in zip(*blocks, strict=True))
        if group.tempo.queue > 0:
            account, time = _dealt(group, people, rows, time)
        order = np.lexsort((time, account))
        account, time = account[order], time[order]
        session, turn = _sessions(group, people, account, time)
        task = _places(people.group_key[account], time)
        parts.append((account.astype(np.int32), time, session.astype(np.int32), turn.astype(np.int32), task))
    account32, times, session32, turn32, task32 = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((keys(seed, "tie", account32), times))
    return Events(account32[order], times[order], session32[order], turn32[order], task32[order])
