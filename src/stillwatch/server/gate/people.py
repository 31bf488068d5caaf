"""Who says what about measures: entries that people sign, and which signatures a policy believes.

A policy names its approvers' keys (``[approval.keys]``). What lets a measure go further counts only if one of them has
signed it: approvals of a block always, releases and local evidence wherever keys are named. What lifts a measure needs
no key, so that none that is lost keeps a customer out.
"""

import base64
import binascii
from collections.abc import Callable

from msgspec.structs import replace

from stillwatch.enforcement import Policy
from stillwatch.enforcement.ledger import Entry, statement
from stillwatch.forum.ledger.ed25519 import good
from stillwatch.forum.ledger.keys import SigningKey


def signed(entry: Entry, key: SigningKey) -> Entry:
    """``entry``, signed."""
    entry = replace(entry, key=base64.b64encode(key.public).decode())
    return replace(entry, signature=base64.b64encode(key.sign(statement(entry))).decode())


def believed(policy: Policy) -> Callable[[Entry], str]:
    """Gives the key, or failing that the name, of the person behind an entry; "" if the policy does not believe it."""
    keys = frozenset(policy.file.approval.keys.values())

    def person(entry: Entry) -> str:
        if not keys and entry.what != "approved":
            return entry.by
        return entry.key if entry.key in keys and _holds(entry) else ""

    return person


def _holds(entry: Entry) -> bool:
    """Whether the signature is of the entry, by the key it names, in base64's one spelling: else a copy looks new."""
    try:
        public, signature = (base64.b64decode(each, validate=True) for each in (entry.key, entry.signature))
    except (binascii.Error, ValueError):
        return False
    if base64.b64encode(signature).decode() != entry.signature:
        return False
    return good(public, signature, statement(entry))
