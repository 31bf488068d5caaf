"""Bearer tokens: ``swf_ID_SECRET``, of which the hub keeps the id and SHA-256 of the secret.

The secret is 256 random bits, so there is nothing to guess and a fast hash is the right one: a slow one (Argon2)
protects passwords that people choose, and would cost every request tens of milliseconds here for nothing.
"""

import hashlib
import hmac
import re
import secrets

from stillwatch.forum.hub.errors import Absent, Unauthenticated
from stillwatch.forum.hub.interface import Records, Transaction
from stillwatch.forum.hub.log import append
from stillwatch.forum.ledger.entries import Issued, Revoked, stamp
from stillwatch.schema.forum import Member, Person, Principal, Token

_FORM = re.compile(r"swf_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)


def issue(tx: Transaction, person: str, now: int, expires: int, by: str = "") -> str:
    """A new token of ``person``, told once; the log is told its public half, and the operator ``by`` whom it is.

    Raises:
        Absent: there is no such person.
    """
    if tx.records.one(Person, id=person, disabled=False) is None:
        raise Absent("no such person", where=person)
    id_, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    tx.records.add(Token(id_, _hash(secret), person, now, expires))
    append(tx, now, Issued(time="", token=id_, person=person, expires=stamp(expires), by=by))
    return f"swf_{id_}_{secret}"


def revoke(tx: Transaction, token: str, now: int, by: str = "") -> None:
    """End a token, given whole or by its id; harmless to repeat.

    Raises:
        Absent: there is no such token.
    """
    found = _FORM.fullmatch(token)
    known = tx.records.one(Token, id=found[1] if found else token)
    if known is None:
        raise Absent("no such token", do="Give its part between the underscores, or all of it")
    if tx.records.change(Token, {"id": known.id, "revoked": None}, revoked=now):
        append(tx, now, Revoked(time="", token=known.id, by=by))


def authenticate(records: Records, token: str, certificate: str | None, mutual: bool, now: int) -> Principal:
    """Whose token it is.

    Args:
        records: of the hub.
        token: as the client gave it.
        certificate: SHA-256 of the client's TLS certificate, if it showed one.
        mutual: whether the server demands one; then it has to be the member's registered one.
        now: this moment.

    Raises:
        Unauthenticated: for whatever reason; the caller is not told which.
    """
    refused = Unauthenticated("no valid token", do="Send Authorization: Bearer TOKEN")
    found = _FORM.fullmatch(token)
    known = records.one(Token, id=found[1]) if found else None
    if found is None or known is None or not hmac.compare_digest(known.hash, _hash(found[2])):
        raise refused
    person = records.one(Person, id=known.person)
    member = records.one(Member, id=person.member) if person else None
    if person is None or member is None or person.disabled or member.disabled:
        raise refused
    if known.revoked is not None or known.expires <= now:
        raise refused
    if mutual and (member.certificate is None or not hmac.compare_digest(member.certificate, certificate or "")):
        raise refused
    return Principal(person.id, member.id, member.house, frozenset(person.roles))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"stillwatch token" + secret.encode()).digest()
