"""Rules on single values: what they are, to which precision, and that nothing is written where nothing should be."""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from stillwatch.forum.guard.interface import DISGUISE, Clause, Object, Outcome
from stillwatch.forum.guard.legible import legible, monotonous
from stillwatch.forum.guard.rules import QUARANTINE, RELEASE, WITHHOLD, Case, Rule

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.000)?Z")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){6,}")
#: Precision -> what a time has to end in.
PRECISIONS: Final = {
    "second": ("Z",),
    "hour": (":00:00Z", ":00:00.000Z"),
    "day": ("T00:00:00Z", "T00:00:00.000Z"),
}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values."""

    clause: Clause
    values: frozenset[str | int]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class. True is not 1."""
        if type(value) in (str, int) and value in self.values:
            return case.say(at, RELEASE, self.clause)
        return case.say(at, WITHHOLD, self.clause, "is none of the values that may leave")


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false, or only one of them."""

    clause: Clause
    values: frozenset[bool]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is bool and value in self.values:
            return case.say(at, RELEASE, self.clause)
        return case.say(at, WITHHOLD, self.clause, "is none of the values that may leave")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    clause: Clause
    least: int
    most: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is int and self.least <= value <= self.most:
            return case.say(at, RELEASE, self.clause)
        return case.say(at, WITHHOLD, self.clause, f"is not a whole number from {self.least} to {self.most}")


@dataclass(frozen=True, slots=True)
class Matches:
    """A text of which all is matched by the expression: ASCII alone, so that no other alphabet passes for it."""

    clause: Clause
    expression: re.Pattern[str]
    longest: int
    otherwise: Outcome = WITHHOLD

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is str and len(value) <= self.longest and self.expression.fullmatch(value):
            return case.say(at, self.otherwise if self.otherwise == QUARANTINE else RELEASE, self.clause)
        return case.say(at, WITHHOLD, self.clause, "does not have the shape that may leave")


@dataclass(frozen=True, slots=True)
class Hash:
    """A text matched by the expression whose hashes have to look random: every 12 hexadecimal digits, or base64."""

    clause: Clause
    expression: re.Pattern[str]
    longest: int
    base64: bool

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is not str or len(value) > self.longest or not self.expression.fullmatch(value):
            return case.say(at, WITHHOLD, self.clause, "does not have the shape that may leave")
        hashes = [b64decode(value)] if self.base64 else [bytes.fromhex(part) for part in _HEX.findall(value)]
        for data in hashes:
            case.opaque += data
            if monotonous(data.hex()) or legible(data):
                return case.say(at, QUARANTINE, self.clause, "is not random: something is written in it", DISGUISE)
        return case.say(at, RELEASE, self.clause)


@dataclass(frozen=True, slots=True)
class Time:
    """A time in UTC of a stated precision, within bounds that depend on now: the digits below say something else."""

    clause: Clause
    endings: tuple[str, ...]
    past: timedelta
    future: timedelta

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is not str or len(value) > 24 or not _TIME.fullmatch(value) or not value.endswith(self.endings):
            return case.say(at, WITHHOLD, self.clause, "is not a time in UTC of the precision that may leave")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return case.say(at, WITHHOLD, self.clause, "is no time of the calendar")
        if not case.context.now - self.past <= moment <= case.context.now + self.future:
            return case.say(at, WITHHOLD, self.clause, "is too long ago, or too far ahead")
        return case.say(at, RELEASE, self.clause)


@dataclass(frozen=True, slots=True)
class Range:
    """A public address range in canonical form, no wider than ``widest`` bits of prefix.

    Ranges of documentation (RFC 5737, RFC 3849) name nobody and may leave.
    """

    clause: Clause
    version: int
    widest: int
    narrowest: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        try:
            found = network(value) if type(value) is str and len(value) <= 43 else None
        except ValueError:
            found = None
        if found is None or found.version != self.version or value not in spellings(found):
            return case.say(at, WITHHOLD, self.clause, "is no address or range in canonical form")
        if not self.widest <= found.prefixlen <= self.narrowest:
            return case.say(at, WITHHOLD, self.clause, f"is not of /{self.widest} to /{self.narrowest}")
        if not found.is_global and not any(found.subnet_of(d) for d in DOCUMENTATION[self.version]):  # type: ignore[arg-type]
            return case.say(at, WITHHOLD, self.clause, "is not a public address range")
        case.addresses += found.network_address.packed[: (found.prefixlen + 7) // 8]
        return case.say(at, RELEASE, self.clause)


@lru_cache(maxsize=1024)  # several rules look at the same one
def network(text: str) -> IPv4Network | IPv6Network:
    """The address range that ``text`` is.

    Raises:
        ValueError: it is none.
    """
    return ip_network(text)


#: Ranges set aside for examples, by version of the protocol.
DOCUMENTATION: Final[Mapping[int, tuple[IPv4Network | IPv6Network, ...]]] = {
    4: tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))),
    6: (IPv6Network("2001:db8::/32"),),
}


def spellings(network: IPv4Network | IPv6Network) -> tuple[str, ...]:
    """How a range may be written: with its prefix, and a single address also without."""
    single = network.prefixlen == network.max_prefixlen
    return (str(network), str(network.network_address)) if single else (str(network),)


@dataclass(frozen=True, slots=True)
class Published:
    """Exactly an object that everybody has, signed or not: nothing of a member's is in it.

    Attributes:
        objects: by id.
        mark: id of the extension that signs an object.
        signature: rule of that extension.
    """

    clause: Clause
    objects: Mapping[str, Object]
    mark: str
    signature: Rule

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        known = self.objects.get(value["id"]) if isinstance(value.get("id"), str) else None
        said, signature = unsigned(value, self.mark)
        if known is None or not same(said, known):
            return case.say(at, WITHHOLD, self.clause, "is not the published object of that id, letter for letter")
        outcome = case.say(at, RELEASE, self.clause)
        if signature is None:
            return outcome
        return self.signature.check(signature, f"{at}/extensions/{self.mark}", case)


def unsigned(value: Object, mark: str) -> tuple[Object, Any]:
    """An object without its signature, and the signature; None where there is none."""
    extensions = value.get("extensions")
    if type(extensions) is not dict or mark not in extensions:
        return value, None
    others = {name: each for name, each in extensions.items() if name != mark}
    bare = {name: each for name, each in value.items() if name != "extensions"}
    return {**bare, "extensions": others} if others else bare, extensions[mark]


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values, for which true is not 1 and 1.0 is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
