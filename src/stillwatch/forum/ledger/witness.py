"""Witnesses (C2SP tlog-cosignature, tlog-witness): somebody else saw the log only grow, and signs that.

A log can show one history to a regulator and another to a member, and both would verify. It cannot where both demand
the cosignature of a witness that both trust, as a witness never signs two histories.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import checkpoint, ed25519, note
from stillwatch.forum.ledger.checkpoint import Checkpoint
from stillwatch.forum.ledger.errors import LedgerError, ProofError, SignatureError
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.ledger.merkle import EMPTY, HASH, verify_consistency
from stillwatch.forum.ledger.note import COSIGNATURE, Note, Signature, Verifier

_STAMP: Final = 8


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature: whose, when (seconds since 1970), and its line."""

    witness: Verifier
    time: int
    signature: Signature


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks a witness to cosign (the body of ``add-checkpoint``).

    Args:
        old: size of the checkpoint that the witness saw last, 0 for none.
        proof: of consistency, from that size to the checkpoint's.
        signed: the checkpoint's note.
    """

    old: int
    proof: tuple[bytes, ...]
    signed: Note

    def __str__(self) -> str:
        """The request as it is sent."""
        lines = [f"old {self.old}", *(base64.b64encode(each).decode() for each in self.proof), ""]
        return "\n".join(lines) + "\n" + str(self.signed)


def parse_request(raw: str) -> Request:
    """Read a request.

    Raises:
        LedgerError: it is none.
    """
    head, separator, rest = raw.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, number = first.partition(" ")
    if not separator or word != "old" or not checkpoint.SIZE.fullmatch(number) or len(lines) > 63:
        raise LedgerError("is no request to a witness")
    return Request(int(number), tuple(_hash(line) for line in lines), note.parse(rest))


def cosign(request: Request, log: Verifier, seen: Checkpoint | None, name: str, key: SigningKey, now: int) -> Note:
    """Cosign a checkpoint that continues what the witness saw last; returns its note with the cosignature.

    The caller stores the checkpoint before it passes the cosignature on, and lets nobody in between.

    Args:
        request: the checkpoint and how it continues the last one.
        log: whose checkpoint it has to be.
        seen: the checkpoint of this log that the witness cosigned last.
        name: the witness's.
        key: the witness's; used for nothing else, as the signature does not say the name.
        now: seconds since 1970.

    Raises:
        SignatureError: the log did not sign the checkpoint.
        ProofError: it does not continue what was seen: the log was rewritten, or the proof is bad.
        UsageError: the request begins at another size than the one seen last.
    """
    found = checkpoint.verify(request.signed, log)
    size, root = (seen.size, seen.root) if seen else (0, EMPTY)
    if found.size < size:
        raise ProofError(f"the log shrank from {size} entries to {found.size}", where=log.name)
    if request.old != size:
        raise UsageError(f"the last checkpoint seen is of size {size}, not {request.old}", where=log.name)
    verify_consistency(size, found.size, root, found.root, request.proof)
    verifier = Verifier(note.check_name(name), key.public, COSIGNATURE)
    raw = now.to_bytes(_STAMP, "big") + key.sign(_message(request.signed.text, now))
    return request.signed.signed_also([Signature(name, verifier.key_hash, raw)])


def verify_cosignature(signed: Note, witness: Verifier) -> Cosignature | None:
    """The cosignature of a checkpoint's note by ``witness``, or None where there is none.

    Raises:
        SignatureError: there is one and it is wrong.
    """
    for each in signed.by(witness):
        time = int.from_bytes(each.raw[:_STAMP], "big")
        if witness.kind != COSIGNATURE or not ed25519.good(
            witness.public, each.raw[_STAMP:], _message(signed.text, time)
        ):
            raise SignatureError("the cosignature is wrong", where=witness.name)
        return Cosignature(witness, time, each)
    return None


def cosignatures(signed: Note, witnesses: Sequence[Verifier]) -> list[Cosignature]:
    """The good cosignatures by ``witnesses``, one a key; raises as ``verify_cosignature`` does."""
    return [found for each in dict.fromkeys(witnesses) if (found := verify_cosignature(signed, each))]


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != HASH:
        raise LedgerError("a line of a proof is the base64 of 32 bytes")
    return raw
