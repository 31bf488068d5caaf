"""How an indicator ages: attackers move on, and what they leave is used by others.

``score(age) = base * (1 - (age / lifetime) ** (1 / speed))``: Mokaddem, Wagener, Dulaunoy and Iklody, "Taxonomy driven
indicator scoring in MISP threat intelligence platforms" (arXiv:1902.03914). ``valid_until`` is where it reaches zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from stillwatch.schema import stix


@dataclass(frozen=True, slots=True)
class Decay:
    """Days until nothing is left, and how fast it goes: above 1 slow at first, below 1 fast at first."""

    lifetime: int
    speed: float


#: By what an indicator is matched by: a proxy's addresses are let again within weeks, a template outlives its campaign.
DECAYS: Final[Mapping[str, Decay]] = {
    "address-range": Decay(30, 0.3),
    "client-software": Decay(90, 1.0),
    stix.TEMPLATE.name: Decay(180, 1.0),
    stix.COHORT.name: Decay(60, 1.0),
    stix.PROXY.name: Decay(60, 1.0),
    stix.REPLAY.name: Decay(90, 1.0),
}
#: Of indicators that others made: how long they hold if they do not say, and how fast they go.
FOREIGN: Final = Decay(90, 1.0)


def read_time(text: str) -> datetime:
    """A timestamp of STIX (RFC 3339, UTC)."""
    return datetime.fromisoformat(text).astimezone(UTC)


def write_time(moment: datetime) -> str:
    """A timestamp of STIX, in milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_day(moment: datetime) -> str:
    """A timestamp of STIX in whole seconds, as other tools write those that are: signatures are over the letters."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def valid_until(last_seen: datetime, kind: str) -> datetime:
    """When an indicator last seen then has nothing left."""
    return last_seen + timedelta(days=DECAYS[kind].lifetime)


def expired(indicator: stix.Object, at: datetime) -> bool:
    """Whether ``indicator`` is revoked, or does not hold at ``at`` any more."""
    until = indicator.get("valid_until")
    return bool(indicator.get("revoked")) or (until is not None and read_time(until) <= at)


def confidence_at(indicator: stix.Object, at: datetime) -> int:
    """The confidence of ``indicator`` (50 if it says none) at ``at``, 0 to its own; 0 once it is expired."""
    if expired(indicator, at):
        return 0
    base = int(indicator.get("confidence", 50))
    kind = kind_of(indicator)
    decay = DECAYS.get(kind, FOREIGN) if kind else FOREIGN
    lifetime = timedelta(days=decay.lifetime)
    until = indicator.get("valid_until")
    began = read_time(until) - lifetime if until else read_time(indicator["valid_from"])
    age = min(max((at - began) / lifetime, 0.0), 1.0)
    return round(base * (1.0 - float(age ** (1.0 / decay.speed))))


def kind_of(indicator: stix.Object) -> str:
    """What an indicator of ours is matched by, as ``schema.stix.DESCRIPTIONS`` names it; "" for others' indicators."""
    described = {text: kind for kind, text in stix.DESCRIPTIONS.items()}
    return described.get(str(indicator.get("description", "")), "")
