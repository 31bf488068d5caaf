"""Shared payment: the same instrument, or instruments of one issuer, behind several accounts.

Measures: the payment token and the card's issuer prefix that stand in the accounts table.
Statistic and null: the value itself. Its weight is its rarity among all active accounts, taken by ``links`` and
    ``campaigns``: two unrelated customers share a value as often as its share of all accounts says.
Source: Anthropic, Feb 2026 ("shared payment methods"); Anthropic, Sep 2026 (virtual cards); advisory AA26-251A.
Innocent causes: a company that pays for many teams, a reseller, a family; a prepaid or large issuer (its prefix is
    common, so it weighs nothing).
Known evasion: one virtual card an account. The issuer prefix of the virtual cards is what is left then.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SqlTrait, trait

_ACTIVE = "accounts JOIN account_activity USING (account_id)"

FINGERPRINT = Kind("payment_fingerprint", Family.PAYMENT, "payment instrument", artifact=True)
CARD_BIN = Kind("card_bin", Family.PAYMENT, "card issuer prefix", artifact=True)

PAYMENT = tuple(
    SqlTrait(
        kind.name,
        frozenset({f"accounts.{kind.name}"}),
        (kind,),
        trait(kind, kind.name, f"{_ACTIVE} WHERE {kind.name} IS NOT NULL", n="1"),
    )
    for kind in (FINGERPRINT, CARD_BIN)
)
