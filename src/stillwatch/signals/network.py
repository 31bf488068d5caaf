"""Shared addresses: accounts that call from, or were made at, the same address or the same network.

Measures: every address an account called from and its network (/24 of IPv4, /48 of IPv6), and both for the address it
    was signed up at.
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``).
Source: advisory AA26-251A; MITRE ATLAS AML.CS0056 (proxy network).
Innocent causes: an enterprise behind one address, carrier-grade NAT, a university, a cloud region's exit, a commercial
    VPN. Such addresses have many accounts, so that they are common and weigh nothing.
Known evasion: residential proxies, one address a request. ``addresses`` sees those.
"""

from stillwatch.engine import Engine
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.ip import ADDRESSES, canonical
from stillwatch.signals.sql import trait, union

CLIENT_IP = Kind("client_ip", Family.NETWORK, "address in use", artifact=True)
CLIENT_PREFIX = Kind("client_prefix", Family.NETWORK, "network in use", artifact=True)
SIGNUP_IP = Kind("signup_ip", Family.NETWORK, "address at sign-up", artifact=True)
SIGNUP_PREFIX = Kind("signup_prefix", Family.NETWORK, "network at sign-up", artifact=True)

_PREFIXES = (
    "(SELECT account_id, prefix, SUM(n) AS n FROM account_addresses "
    "WHERE prefix IS NOT NULL GROUP BY account_id, prefix) AS networks"
)


class InUse:
    """Addresses that requests came from."""

    name = "network_in_use"
    needs = frozenset({"requests.client_ip"})
    kinds = (CLIENT_IP, CLIENT_PREFIX)

    def query(self, engine: Engine) -> str:
        """Traits from the tally of addresses."""
        return union(
            trait(CLIENT_IP, "address", "account_addresses", n="n"), trait(CLIENT_PREFIX, "prefix", _PREFIXES, n="n")
        )


class AtSignUp:
    """Addresses that accounts were made at."""

    name = "network_at_signup"
    needs = frozenset({"accounts.signup_ip"})
    kinds = (SIGNUP_IP, SIGNUP_PREFIX)

    def query(self, engine: Engine) -> str:
        """Traits from the accounts table; saves ``signup_addresses``."""
        engine.map(
            "signup_addresses",
            "SELECT account_id, signup_ip AS client_ip, CAST(1 AS BIGINT) AS n "
            "FROM accounts JOIN account_activity USING (account_id) WHERE signup_ip IS NOT NULL",
            canonical,
            ADDRESSES,
        )
        return union(
            trait(SIGNUP_IP, "address", "signup_addresses", n="n"),
            trait(SIGNUP_PREFIX, "prefix", "signup_addresses WHERE prefix IS NOT NULL", n="n"),
        )


NETWORK = (InUse(), AtSignUp())
