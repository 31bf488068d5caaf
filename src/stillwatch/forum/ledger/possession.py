"""What a member signs when it brings a key or gives one up: the key itself signs, and so does one that is in use.

Whoever steals a token can then still not speak for the member: a first key is taken from who has the token, every
further one only from who has the key before it, or from the operator.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stillwatch.forum.ledger.dsse import STATEMENT_TYPE, make_signature, signer, unseal
from stillwatch.forum.ledger.entries import Hash, Id, Public
from stillwatch.forum.ledger.errors import SignatureError
from stillwatch.forum.ledger.jcs import canonical
from stillwatch.forum.ledger.keys import SigningKey, key_id


class Brought(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="key"):
    """``actor`` signs with the Ed25519 key ``public`` (base64) from now on, and no longer with the one it retires."""

    actor: Id
    public: Public
    retires: Hash | None = None

    @property
    def raw(self) -> bytes:
        """The 32 bytes of the key."""
        return base64.b64decode(self.public)


class GivenUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="key-given-up"):
    """``actor`` no longer signs with the key of this id."""

    actor: Id
    key: Hash


Statement = Brought | GivenUp


def bring(actor: str, key: SigningKey, before: SigningKey | None = None, retires: bool = False) -> dict[str, Any]:
    """The DSSE envelope by which a member brings a key.

    Args:
        actor: the member's pseudonym.
        key: the new key, which signs.
        before: one in use, which signs too; None for the first.
        retires: whether the one before is given up.
    """
    public = base64.b64encode(key.public).decode()
    made = Brought(actor, public, before.id if before and retires else None)
    return _sealed(made, [key, *([before] if before else [])])


def give_up(actor: str, key: str, by: SigningKey) -> dict[str, Any]:
    """The DSSE envelope by which a member gives up the key of an id; ``by`` is one in use, that one or another."""
    return _sealed(GivenUp(actor, key), [by])


def read_statement(envelope: Any) -> Statement:
    """What an envelope says, whoever signed it; a key that is brought has signed.

    Raises:
        SignatureError: it is no such envelope, or the key that it brings did not sign it.
    """
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        said: Statement = msgspec.json.decode(payload, type=Statement)
    except (KeyError, TypeError, binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise SignatureError("says nothing of a key") from None
    if canonical(_plain(said)) != payload:
        raise SignatureError("is not in canonical JSON")
    if isinstance(said, Brought):
        if base64.b64encode(said.raw).decode() != said.public:
            raise SignatureError("the key is not canonical base64")
        unseal(envelope, {key_id(said.raw): said.raw})
    return said


def vouched(envelope: Mapping[str, Any], known: Mapping[str, bytes]) -> bool:
    """Whether one of ``known`` (id -> public key) signed an envelope that ``read_statement`` has read."""
    payload = base64.b64decode(envelope["payload"])
    return (
        envelope.get("payloadType") == STATEMENT_TYPE
        and signer(STATEMENT_TYPE, payload, envelope.get("signatures"), known) is not None
    )


def _sealed(said: Statement, by: Sequence[SigningKey]) -> dict[str, Any]:
    payload = canonical(_plain(said))
    return {
        "payloadType": STATEMENT_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [make_signature(STATEMENT_TYPE, payload, key) for key in by],
    }


def _plain(said: Statement) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(said)
    return {name: value for name, value in plain.items() if value is not None}
