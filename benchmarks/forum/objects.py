"""Objects to exchange: indicators as ``stillwatch indicators mint`` makes them, each of an address range of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Network
from typing import Any
from uuid import UUID

from stillwatch.forum.ledger.dsse import sign_object
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.schema import stix

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes objects: an identity and the key that it signs with."""

    identity: str
    key: SigningKey

    def objects(self, count: int) -> list[Object]:
        """``count`` signed indicators, the same ones whenever they are asked for."""
        return list(indicators(count, self.identity, self.key, 1))

    def later(self, found: Object, modified: str) -> Object:
        """A later version of an object."""
        return sign_object(found | {"modified": modified}, self.key)


def indicators(count: int, author: str, key: SigningKey | None, seed: int, first: int = 0) -> Iterator[Object]:
    """``count`` indicators by the identity ``author`` from number ``first`` on, signed if there is a key.

    A seed and a number always make the same object, so that who goes on later need not make the earlier ones.
    """
    for number in range(first, first + count):
        found = _indicator(author, seed, number)
        yield sign_object(found, key) if key else found


def _indicator(author: str, seed: int, number: int) -> Object:
    drawn = sha256(f"{seed} {number}".encode()).digest()
    id_ = UUID(bytes=drawn[:16], version=4)
    number += seed << 24
    # A /48 of 2a00::/16 of its own: an odd factor makes a permutation of the 32 bits.
    block = IPv6Network((0x2A00 << 112 | (number * 2_654_435_761 & 0xFFFFFFFF) << 80, 48))
    return {
        "type": "indicator",
        "spec_version": stix.SPEC_VERSION,
        "id": f"indicator--{id_}",
        "created_by_ref": author,
        "created": "2026-10-05T00:00:00.000Z",
        "modified": "2026-11-20T00:00:00.000Z",
        "name": f"Indicator {str(id_)[:8]}",
        "description": stix.DESCRIPTIONS["address-range"],
        "indicator_types": ["anomalous-activity"],
        "pattern": f"[ipv6-addr:value ISSUBSET '{block}']",
        "pattern_type": "stix",
        "pattern_version": stix.SPEC_VERSION,
        "valid_from": "2026-10-05T00:00:00Z",
        "valid_until": "2027-01-03T00:00:00Z",
        "confidence": (50, 70, 85)[drawn[16] % 3],
        "object_marking_refs": [stix.TLP["amber+strict"]],
    }
