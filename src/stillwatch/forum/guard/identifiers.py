"""STIX ids: nothing may be written in one. It is derived from the object and checked, published, or random.

An id has the type and a UUID of version 4 or 5 in lower case, with the variant of RFC 9562. Where the standard derives
the id from the content (STIX 2.1, 2.9: observables), it is derived again here. Every other id has to look random; ids
are not minted anew by the guard, as that would break the signature of the member.
"""

import json
import re
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from stillwatch.forum.guard.interface import DISGUISE, Clause, Outcome
from stillwatch.forum.guard.legible import legible, monotonous
from stillwatch.forum.guard.rules import QUARANTINE, RELEASE, WITHHOLD, Case

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
#: Namespace of ids of observables (STIX 2.1, 2.9).
NAMESPACE: Final = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


@dataclass(frozen=True, slots=True)
class Id:
    """The id of an object of one of these types; ``known`` ids may be referred to whatever they look like.

    Attributes:
        types: STIX types.
        known: ids of published objects.
        derived_from: properties of the object from which its own id has to be derived; empty for a random id.
    """

    clause: Clause
    types: frozenset[str]
    known: frozenset[str] = frozenset()
    derived_from: tuple[str, ...] = ()

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is not str or len(value) > 100:
            return case.say(at, WITHHOLD, self.clause, "is no STIX id")
        kind, _, number = value.partition("--")
        if kind not in self.types or not _UUID.fullmatch(number):
            return case.say(at, WITHHOLD, self.clause, "is no id of a type that may stand here, version 4 or 5")
        if self.derived_from:
            if value != derived(case.object, self.derived_from):
                return case.say(at, WITHHOLD, self.clause, "is not the id that the standard derives from the content")
        elif value not in self.known and not looks_random(number):
            return case.say(at, QUARANTINE, self.clause, "is not random: something is written in it", DISGUISE)
        return case.say(at, RELEASE, self.clause)


@lru_cache(maxsize=4096)  # objects refer to the same few ids again and again
def looks_random(number: str) -> bool:
    """Whether a UUID shows no text, digits or repeats, whichever way its fixed bits are passed over."""
    digits = number.replace("-", "")
    free = digits[:12] + digits[13:16] + digits[17:]
    data = bytes.fromhex(digits)
    return not (monotonous(free) or legible(bytes.fromhex(free)) or legible(data[:8] + data[9:]))


def derived(found: dict[str, Any], properties: tuple[str, ...]) -> str:
    """The id of an observable by its contributing properties.

    They hold texts and whole numbers here, for which sorted compact JSON is the canonical form (RFC 8785).
    """
    told = {name: found[name] for name in properties if name in found}
    name = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return f"{found.get('type')}--{uuid.uuid5(NAMESPACE, name)}"
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return ""
