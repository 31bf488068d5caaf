"""Access rules by ownership: a policy that a provider configures, apart from detection, and never evidence.

A rule names owners, or jurisdictions in which owners have their seat, and a share. It says whether the share itself is
enough (``>=``, as OFAC's 50 per cent rule of August 2014 has it) or not (``>``), whether the holdings of several such
owners are added, and how holdings through companies in between count: not at all, multiplied along the chain, or in
full where the company in between itself meets the rule (as OFAC counts them).

What is not known is a state of its own. Every share is an interval: what is known to be held, and what may be held if
all that is not known were. The rule is ``met`` if the least meets it, ``unmet`` if not even the most does, else
``unknown``, for which the rule says what happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from stillwatch.enforcement.interface import DAY

_Text = Annotated[str, Meta(min_length=1, max_length=300)]
#: Companies in a chain between customer and owner that are followed; what lies beyond is not known.
DEEPEST: Final = 12
_EPOCH: Final = date(1970, 1, 1)


class State(IntEnum):
    """What a rule finds of a customer."""

    UNMET = 0
    UNKNOWN = 1
    MET = 2


class AccessRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule.

    Attributes:
        name: what a refusal calls it.
        effective, until: days (UTC) from and up to which it is in force, both included.
        share: in per cent.
        compare: whether ``share`` itself is enough.
        owners, jurisdictions: whom it is about, by name and by seat.
        aggregate: whether holdings of several of them are added.
        indirect: how holdings through companies in between count.
        unknown: what a customer gets of whom it is not known.
        models: which models it is about; none: all.
    """

    name: _Text
    effective: date
    share: Annotated[float, Meta(gt=0, le=100)]
    compare: Literal[">", ">="]
    owners: tuple[_Text, ...] = ()
    jurisdictions: tuple[_Text, ...] = ()
    aggregate: bool = True
    indirect: Literal["none", "multiply", "control"] = "control"
    until: date | None = None
    unknown: Literal["allow", "verify", "refuse"] = "verify"
    models: tuple[_Text, ...] = ()

    def in_force(self, now: int) -> bool:
        """Whether it is, at ``now`` in microseconds since the epoch."""
        day = now // DAY
        return (self.effective - _EPOCH).days <= day and (self.until is None or day <= (self.until - _EPOCH).days)

    def meets(self, share: float) -> bool:
        """Whether ``share`` per cent are enough; equal to within a millionth, for shares are sums of decimals."""
        return share > self.share + 1e-6 if self.compare == ">" else share >= self.share - 1e-6


@dataclass(frozen=True, slots=True)
class Holding:
    """``owner`` holds ``share`` per cent of ``company``; ``seat`` is the owner's jurisdiction, None if not known."""

    company: str
    owner: str
    share: float
    seat: str | None = None


class Register:
    """Who holds what of whom.

    Args:
        holdings: of customers and of the companies over them. Several of one owner in one company are added.
    """

    def __init__(self, holdings: Sequence[Holding]) -> None:
        self._of: dict[str, dict[str, float]] = {}
        self._seats: dict[str, str] = {}
        for each in holdings:
            held = self._of.setdefault(each.company, {})
            held[each.owner] = held.get(each.owner, 0.0) + each.share
            if each.seat:
                self._seats[each.owner] = each.seat

    @property
    def companies(self) -> frozenset[str]:
        """Whose owners are known, in part at least."""
        return frozenset(self._of)

    def state(self, customer: str, rule: AccessRule) -> State:
        """What ``rule`` finds of ``customer``."""
        named = sorted(owner for owner in self._above(customer) if self._listed(owner, rule))
        groups = [frozenset(named)] if rule.aggregate or not named else [frozenset({owner}) for owner in named]
        spans = [self._span(customer, rule, group, ()) for group in groups]
        if any(rule.meets(least) for least, _ in spans):
            return State.MET
        return State.UNKNOWN if any(rule.meets(most) for _, most in spans) else State.UNMET

    def _listed(self, owner: str, rule: AccessRule) -> bool:
        return owner in rule.owners or self._seats.get(owner) in rule.jurisdictions

    def _above(self, customer: str) -> set[str]:
        """Every owner over ``customer``, directly or not."""
        found: set[str] = set()
        waiting = [customer]
        while waiting:
            for owner in self._of.get(waiting.pop(), ()):
                if owner not in found:
                    found.add(owner)
                    waiting.append(owner)
        return found

    def _span(
        self, company: str, rule: AccessRule, listed: frozenset[str], chain: tuple[str, ...]
    ) -> tuple[float, float]:
        """The least and the most, in per cent, that ``listed`` hold of ``company``."""
        held: Mapping[str, float] = self._of.get(company, {})
        if company in chain or len(chain) >= DEEPEST:
            return 0.0, 100.0
        least, known = 0.0, sum(held.values())
        most = max(0.0, 100.0 - known)
        for owner in sorted(held):
            low, high = self._through(owner, rule, listed, (*chain, company))
            least, most = least + held[owner] * low, most + held[owner] * high
        return least, min(most, 100.0)

    def _through(
        self, owner: str, rule: AccessRule, listed: frozenset[str], chain: tuple[str, ...]
    ) -> tuple[float, float]:
        """The parts, 0 to 1, of what ``owner`` holds that count, at least and at most."""
        if owner in listed:
            return 1.0, 1.0
        if rule.indirect != "none" and owner in self._of:
            low, high = self._span(owner, rule, listed, chain)
            if rule.indirect == "multiply":
                return low / 100, high / 100
            return float(rule.meets(low)), float(rule.meets(high))
        unseated = bool(rule.jurisdictions) and owner not in self._seats
        return 0.0, float(unseated)
