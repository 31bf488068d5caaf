"""Shared registration details: accounts signed up with the same unusual mail domain or telephone prefix.

Measures: the mail domain (lower case) and the telephone prefix in the accounts table, by its digits. A prefix of fewer
    than seven digits names a country or a region, which is never evidence, and is left out; one of more names a block
    of numbers, such as a rented pool is cut from.
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``).
Source: advisory AA26-251A ("similar registration details"); Anthropic, Sep 2026 (disposable mail).
Innocent causes: colleagues at one company's domain, students at one university's; a large mail provider (common, so it
    weighs nothing).
Known evasion: a large provider's mailboxes; a different disposable domain for each account.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.schema.requests import PHONE_BLOCK
from stillwatch.signals.sql import SqlTrait, trait

EMAIL_DOMAIN = Kind("email_domain", Family.REGISTRATION, "mail domain", artifact=True)
PHONE_PREFIX = Kind("phone_prefix", Family.REGISTRATION, "block of telephone numbers", artifact=True)

_DIGITS = "TRANSLATE(phone_prefix, '+ -()./', '')"


def _signal(kind: Kind, value: str, where: str) -> SqlTrait:
    source = f"accounts JOIN account_activity USING (account_id) WHERE {where}"
    return SqlTrait(
        kind.name,
        frozenset({f"accounts.{kind.name}"}),
        (kind,),
        trait(kind, value, source, n="1"),
    )


REGISTRATION = (
    _signal(EMAIL_DOMAIN, "LOWER(TRIM(email_domain))", "email_domain IS NOT NULL"),
    _signal(PHONE_PREFIX, _DIGITS, f"LENGTH({_DIGITS}) >= {PHONE_BLOCK}"),
)
