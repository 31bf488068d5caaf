"""Address ranges against the addresses that accounts called from."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from stillwatch.engine import Engine
from stillwatch.indicators.patterns import Network

#: Id of an indicator, and the networks it looks for.
NetworkLook = tuple[str, tuple[Network, ...]]

_ADDRESSES = (
    "SELECT address, account_id, SUM(n) AS n FROM account_addresses GROUP BY address, account_id ORDER BY address"
)


class Ranges:
    """Which of many networks an address lies in: one look-up for each length of prefix that there is."""

    def __init__(self, looks: Iterable[NetworkLook]) -> None:
        self._names: dict[tuple[int, int, int], list[str]] = {}
        for name, networks in looks:
            for network in networks:
                key = (network.version, network.prefixlen, int(network.network_address))
                self._names.setdefault(key, []).append(name)
        self._lengths = {version: sorted({n for v, n, _ in self._names if v == version}) for version in (4, 6)}

    def of(self, address: str) -> list[str]:
        """Names of the networks that ``address`` lies in; none if it is no address (a pseudonym, a host's name)."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return []
        bits, number = parsed.max_prefixlen, int(parsed)
        found: list[str] = []
        for length in self._lengths[parsed.version]:
            start = number >> (bits - length) << (bits - length)
            found += self._names.get((parsed.version, length, start), ())
        return found


def match_networks(looks: Sequence[NetworkLook], engine: Engine) -> Iterable[tuple[str, str, int, str]]:
    """(account, indicator, requests, why) for each account that called from one of an indicator's networks.

    Args:
        looks: what to look for.
        engine: holds ``account_addresses``.
    """
    if not looks:
        return
    ranges = Ranges(looks)
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    last, within = "", list[str]()
    for row in engine.sql(_ADDRESSES).to_pylist():
        if row["address"] != last:
            last, within = row["address"], ranges.of(row["address"])
        for name in dict.fromkeys(within):
            addresses, n = counts.get((row["account_id"], name), (0, 0))
            counts[row["account_id"], name] = addresses + 1, n + int(row["n"])
    for (account, name), (addresses, n) in counts.items():
        yield account, name, n, f"{n:,} of its requests came from the range, from {addresses:,} addresses"
