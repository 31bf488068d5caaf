"""What a member signs when a recall has reached it, and how that stands in the log."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from stillwatch.forum.ledger.dsse import STATEMENT_TYPE, seal, signer, unseal
from stillwatch.forum.ledger.entries import Acknowledged, Id, Time
from stillwatch.forum.ledger.errors import LedgerError, SignatureError
from stillwatch.forum.ledger.jcs import canonical
from stillwatch.forum.ledger.keys import SigningKey


class _Statement(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="acknowledgement"):
    recall: Id
    actor: Id
    signed_at: Time


def acknowledge(recall: str, actor: str, signed_at: str, key: SigningKey) -> dict[str, Any]:
    """The DSSE envelope by which a member says that it followed a recall.

    Args:
        recall: its id.
        actor: the member's pseudonym.
        signed_at: the member's time, as of ``entries.stamp``.
        key: one that the hub knows as the pseudonym's.
    """
    return seal(_statement(recall, actor, signed_at), key)


def read_acknowledgement(envelope: Any, known: Mapping[str, bytes], recall: str, actor: str, now: str) -> Acknowledged:
    """The entry of an envelope that a member sent.

    Args:
        envelope: decoded JSON from outside.
        known: the pseudonym's public keys by their ids.
        recall: the recall that it has to be of.
        actor: the pseudonym that it has to be by.
        now: time of the entry.

    Raises:
        SignatureError: it is not signed by one of ``known``, or is of something else.
    """
    payload, key = unseal(envelope, known)
    try:
        said = msgspec.json.decode(payload, type=_Statement)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise SignatureError("is no acknowledgement") from None
    statement = _statement(said.recall, said.actor, said.signed_at)
    if (said.recall, said.actor) != (recall, actor) or canonical(statement) != payload:
        raise SignatureError("is not the acknowledgement of this recall by this member")
    signature = next(each["sig"] for each in envelope["signatures"] if each["keyid"] == key)
    return Acknowledged(
        time=now, recall=recall, actor=actor, signed_at=said.signed_at, key=key, signature=_canonical_base64(signature)
    )


def acknowledged(entry: Acknowledged, known: Mapping[str, bytes]) -> bool:
    """Whether an entry's signature is good: the auditor's check, from the log alone."""
    payload = canonical(_statement(entry.recall, entry.actor, entry.signed_at))
    return signer(STATEMENT_TYPE, payload, [{"keyid": entry.key, "sig": entry.signature}], known) is not None


def _statement(recall: str, actor: str, signed_at: str) -> dict[str, Any]:
    return {"type": "acknowledgement", "recall": recall, "actor": actor, "signed_at": signed_at}


def _canonical_base64(written: str) -> str:
    again = base64.b64encode(base64.b64decode(written)).decode()
    if again != written:
        raise LedgerError("a signature is not canonical base64")
    return again
