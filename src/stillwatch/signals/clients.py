"""Shared client software: accounts whose requests carry the same TLS fingerprint, user agent and header order.

Measures: each of the three, and their combination, which is rarer than any of them.
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``); a value counts
    only where at least one request in twenty of the account carries it.
Source: JA4+ (FoxIO, 2023) for TLS clients; advisory AA26-251A ("similar client patterns").
Innocent causes: a common SDK, browser or gateway (common, so it weighs nothing); a company's own client, used by all
    its teams.
Known evasion: a stock SDK; user agents drawn at random, which ``addresses`` counts and which seldom fit the TLS client.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SqlTrait, trait

_FIELDS = ("tls_fingerprint", "user_agent", "header_order")


def _mostly(value: str, where: str) -> str:
    """FROM item of (account_id, value, n) whose ``n`` is at least a twentieth of the account's requests."""
    return (
        f"(SELECT account_id, {value} AS value, SUM(n) AS n FROM account_clients "
        f"WHERE {where} GROUP BY account_id, {value}) AS used JOIN account_activity USING (account_id) "
        "WHERE used.n * 20 >= account_activity.requests"
    )


def _signal(kind: Kind, fields: tuple[str, ...]) -> SqlTrait:
    value = " || ' | ' || ".join(fields)
    known = " AND ".join(f"{field} IS NOT NULL" for field in fields)
    needs = frozenset(f"requests.{field}" for field in fields)
    return SqlTrait(kind.name, needs, (kind,), trait(kind, "used.value", _mostly(value, known), n="used.n"))


TLS = Kind("tls_fingerprint", Family.SOFTWARE, "TLS client fingerprint", artifact=True)
USER_AGENT = Kind("user_agent", Family.SOFTWARE, "user agent", artifact=True)
HEADER_ORDER = Kind("header_order", Family.SOFTWARE, "order of headers", artifact=True)
CLIENT = Kind("client", Family.SOFTWARE, "combination of TLS client, user agent and header order", artifact=True)

CLIENTS = (
    _signal(TLS, _FIELDS[:1]),
    _signal(USER_AGENT, _FIELDS[1:2]),
    _signal(HEADER_ORDER, _FIELDS[2:]),
    _signal(CLIENT, _FIELDS),
)
