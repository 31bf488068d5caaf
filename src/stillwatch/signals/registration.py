"""Shared registration details: accounts signed up with the same unusual mail domain or telephone prefix.

Measures: the mail domain (lower case) and the telephone prefix in the accounts table; a prefix that is a bare country
    code is left out.
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``).
Source: advisory AA26-251A ("similar registration details"); Anthropic, Sep 2026 (disposable mail).
Innocent causes: colleagues at one company's domain, students at one university's; a large mail provider (common, so it
    weighs nothing).
Known evasion: a large provider's mailboxes; a different disposable domain for each account.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SqlTrait, trait

EMAIL_DOMAIN = Kind("email_domain", Family.REGISTRATION, "mail domain", artifact=True)
PHONE_PREFIX = Kind("phone_prefix", Family.REGISTRATION, "telephone prefix", artifact=True)

# A bare calling code (at most three digits, ITU-T E.164) says what country a number is of, and that is not evidence.
_MORE_THAN_A_COUNTRY = "LENGTH(TRIM(phone_prefix)) - CASE WHEN TRIM(phone_prefix) LIKE '+%' THEN 1 ELSE 0 END > 3"


def _signal(kind: Kind, where: str) -> SqlTrait:
    source = f"accounts JOIN account_activity USING (account_id) WHERE {where}"
    return SqlTrait(
        kind.name,
        frozenset({f"accounts.{kind.name}"}),
        (kind,),
        trait(kind, f"LOWER(TRIM({kind.name}))", source, n="1"),
    )


REGISTRATION = (_signal(EMAIL_DOMAIN, "email_domain IS NOT NULL"), _signal(PHONE_PREFIX, _MORE_THAN_A_COUNTRY))
