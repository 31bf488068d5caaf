"""What cluster tests share: Monte Carlo p-values with a tail, and the shifts that keep everybody's hour of the week.

A stream that is turned within its own clock hours keeps its volume, its bursts and its hours of the week, and loses
only what it has to do with the minutes of others. That is the null of ``synchrony`` (too many meetings) and of
``load_sharing`` (too few).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity
from stillwatch.stats.remembered import remembered

HOUR = 3_600_000_000  # microseconds
#: Rows a Monte Carlo draw works on at most; beyond it whole accounts are left out, in an order drawn by the seed.
MAX_ROWS = 250_000
#: No p-value is reported below this: the tail of a null is an extrapolation, and nobody can check more digits.
SMALLEST_P = 1e-12


def tail_p(value: float, null: NDArray[np.float64]) -> float:
    """P-value of a ``value`` that is unusual when large, from draws of its null.

    Up to the largest draw it is the usual ``(1 + draws at least as large) / (1 + draws)``, which is valid for any null
    (Phipson and Smyth 2010). Beyond it an exponential tail through the largest tenth of the draws is used, its mean
    excess raised by three standard errors: conservative wherever the null's tail is no heavier than exponential, as the
    tail of a sum over many accounts is.
    """
    at_least = int(np.count_nonzero(null >= value))
    if at_least or len(null) < 50:
        return (1 + at_least) / (1 + len(null))
    top = np.sort(null)[-max(len(null) // 10, 10) :]
    excess = float(np.mean(top - top[0])) * (1 + 3 / np.sqrt(len(top)))
    if excess <= 0:
        return 1 / (1 + len(null))
    beyond = float(np.exp(-(value - top[-1]) / excess))
    return max(SMALLEST_P, beyond / (1 + len(null)))


def accounts_within(account: NDArray[np.int32], limit: int, seed: int) -> NDArray[np.bool_]:
    """Which rows to keep so that at most ``limit`` stay, whole accounts at a time (at least one account)."""
    if len(account) <= limit:
        return np.ones(len(account), bool)
    rows = np.bincount(account)
    order = np.random.default_rng(seed).permutation(len(rows))
    kept = np.zeros(len(rows), bool)
    kept[order[np.cumsum(rows[order]) <= limit]] = True
    if not rows[kept].sum():
        kept[account[0]] = True
    return np.asarray(kept[account])


@dataclass(frozen=True, slots=True)
class Slots:
    """Which account made how many requests in which slot of which clock hour.

    Attributes:
        run: index of the (account, hour) an entry belongs to.
        hour: index of the hour, without gaps.
        slot: which of the ``ring`` slots of the hour.
        requests: of the account in the slot.
        ring: slots in an hour that take part.
    """

    run: NDArray[np.int64]
    hour: NDArray[np.int64]
    slot: NDArray[np.int64]
    requests: NDArray[np.int64]
    ring: int

    @property
    def hours(self) -> int:
        """Number of hours with any request."""
        return int(self.hour[-1]) + 1 if len(self.hour) else 0

    def distinct(self, shift: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Accounts active in each slot, after each run is turned by its ``shift``."""
        return self._counted(shift, False)

    def load(self, shift: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Requests in each slot, after each run is turned by its ``shift``."""
        return self._counted(shift, True).astype(np.float64)

    def shifts(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """One random turn for each (account, hour)."""
        return rng.integers(0, self.ring, self._runs)

    @property
    def _runs(self) -> int:
        return int(self.run[-1]) + 1 if len(self.run) else 0

    def _counted(self, shift: NDArray[np.int64] | None, load: bool) -> NDArray[np.int64]:
        turn = np.zeros(self._runs, np.int64) if shift is None else shift
        counts = np.zeros(self.hours * self.ring, np.int64)
        _count(counts, self.hour, self.slot, self.run, self.requests, turn, self.ring, load)
        return counts


@njit(cache=True, nogil=True)
def _count(counts, hour, slot, run, requests, shift, ring, load) -> None:  # type: ignore[no-untyped-def]
    """Add each entry, turned by the ``shift`` of its run, to its slot of ``counts``: its requests, or one."""
    for entry in range(len(slot)):
        place = slot[entry] + shift[run[entry]]
        counts[hour[entry] * ring + (place - ring if place >= ring else place)] += requests[entry] if load else 1


def slots(
    activity: Activity,
    seconds: int,
    seed: int,
    skip: NDArray[np.bool_] | None = None,
    limit: int = MAX_ROWS,
    accounts: NDArray[np.int32] | None = None,
) -> Slots:
    """The slots of ``seconds`` each that a group was active in, in hours that two accounts or more share.

    Args:
        activity: the group.
        seconds: width of a slot; divides 3600.
        seed: chooses the accounts when there are too many rows.
        skip: slots of the hour that do not take part.
        limit: requests that are looked at.
        accounts: only these take part; None for all.
    """
    width = seconds * 1_000_000
    taking_part = np.ones(HOUR // width, bool) if skip is None else ~skip
    place, ring = np.cumsum(taking_part) - 1, int(taking_part.sum())
    time, account = activity.time, activity.account
    if accounts is not None:
        rows = _requests_of(activity, accounts)
        time, account = time[rows], account[rows]
    slot = time % HOUR // width
    kept = taking_part[slot]
    kept[kept] = accounts_within(account[kept], limit, seed)
    people = len(activity.accounts)
    hour = np.unique(time[kept] // HOUR, return_inverse=True)[1]
    run, requests = np.unique(
        (hour * people + account[kept]) * ring + place[slot[kept]], return_counts=True
    )  # one number for hour, account and slot, so that sorting is of one column
    slot, run = run % ring, run // ring
    hour = run // people
    runs = np.unique(run)
    several = np.bincount(runs // people, minlength=1)[hour] > 1 if len(runs) else np.zeros(0, bool)
    return Slots(_codes(run[several]), _codes(hour[several]), slot[several], requests[several].astype(np.int64), ring)


def _requests_of(activity: Activity, accounts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Indices of the requests of ``accounts``, ascending."""
    order, starts = _by_account(activity)
    return np.sort(np.concatenate([order[starts[one] : starts[one + 1]] for one in accounts]))


@remembered
def _by_account(activity: Activity) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the requests ordered by account, and where those of each account begin."""
    order = np.argsort(activity.account, kind="stable")
    return order, np.searchsorted(activity.account[order], np.arange(len(activity.accounts) + 1))


def _codes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each of ascending ``values`` as its rank among the distinct ones."""
    return np.cumsum(np.r_[0, np.diff(values) > 0])[: len(values)]
