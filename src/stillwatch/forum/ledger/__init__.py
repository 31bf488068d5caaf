"""Signed objects, and the append-only log of what was submitted, released, withheld, fetched and withdrawn."""

from stillwatch.forum.ledger.acknowledgement import acknowledge, read_acknowledgement
from stillwatch.forum.ledger.dsse import sign_object, verify_object
from stillwatch.forum.ledger.entries import commit, stamp
from stillwatch.forum.ledger.errors import LedgerError, ProofError, SignatureError
from stillwatch.forum.ledger.jcs import canonical, digest
from stillwatch.forum.ledger.keys import SigningKey, key_id, load_key
from stillwatch.forum.ledger.ledger import Ledger
from stillwatch.forum.ledger.note import Verifier, parse_verifier
from stillwatch.forum.ledger.store import LedgerStore, MemoryStore, Signed

__all__ = [
    "Ledger", "LedgerError", "LedgerStore", "MemoryStore", "ProofError", "SignatureError", "Signed", "SigningKey",
    "Verifier", "acknowledge", "canonical", "commit", "digest", "key_id", "load_key", "parse_verifier",
    "read_acknowledgement", "sign_object", "stamp", "verify_object",
]  # fmt: skip
