"""Indicators as the gate looks for them: each a set of keys, of which a request has to show so many."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

import pyarrow as pa

from stillwatch.enforcement.snapshot import INDICATORS, KEYS, anchor_key, client_key, key_of, network_key

ALWAYS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Look:
    """What one indicator is true of: any of its networks, clients or values, or ``needed`` of its anchors.

    Attributes:
        id, campaign, kind: of the indicator.
        valid_from, valid_until: microseconds since the epoch.
        networks: address ranges.
        clients: what client software shows, by the names that ``Request`` has.
        anchors, needed: of a template.
        pseudonyms: names of accounts, as the gate sees them.
        blocks: hashes of reasoning blocks.
    """

    id: str
    campaign: str = ""
    kind: str = ""
    valid_from: int = 0
    valid_until: int = ALWAYS
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    clients: tuple[Mapping[str, str], ...] = ()
    anchors: tuple[int, ...] = ()
    needed: int = 1
    pseudonyms: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    def keys(self) -> set[int]:
        """Its keys."""
        found = {network_key(n.version, n.prefixlen, int(n.network_address)) for n in self.networks}
        found |= {client_key(shown) for shown in self.clients}
        found |= {anchor_key(anchor) for anchor in self.anchors}
        found |= {key_of("pseudonym", name) for name in self.pseudonyms}
        return found | {key_of("block", block) for block in self.blocks}

    def shapes(self) -> set[str]:
        """What has to be taken of a request to look for it."""
        found = {f"{network.version}/{network.prefixlen}" for network in self.networks}
        return found | {"+".join(name for name in _ORDER if name in shown) for shown in self.clients}


_ORDER: Final[tuple[Literal["user_agent", "tls_fingerprint", "header_order"], ...]] = (
    "user_agent", "tls_fingerprint", "header_order",
)  # fmt: skip


def look_tables(looks: Iterable[Look]) -> tuple[pa.Table, pa.Table, set[str]]:
    """Tables KEYS and INDICATORS of a snapshot, and its shapes."""
    pairs: list[tuple[int, int]] = []
    rows: list[tuple[str, str, str, int, int, int]] = []
    shapes: set[str] = set()
    for place, look in enumerate(looks):
        pairs += [(key, place) for key in sorted(look.keys())]
        kind = "anchor" if look.anchors else look.kind
        rows.append(
            (look.id, look.campaign, kind, look.needed if look.anchors else 1, look.valid_from, look.valid_until)
        )
        shapes |= look.shapes()
    keys = pa.table({"key": [pair[0] for pair in pairs], "place": [pair[1] for pair in pairs]}, KEYS)
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in INDICATORS]
    return keys, pa.table(columns, schema=INDICATORS), shapes
