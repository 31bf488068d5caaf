"""From identifiers to pseudonyms: the member's side of an evaluation, and the keyholder's.

A pseudonym is the PRF's output on the identifier with its purpose, epoch and kind, so that one of another purpose,
epoch or kind says nothing about it; and the key differs by purpose and epoch too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from stillwatch.forum.matching import evaluation, group, messages, oprf
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.curve.batch import Bytes, Packed
from stillwatch.forum.matching.errors import ElementError, MessageError
from stillwatch.forum.matching.evaluation import Blinded, Evaluated
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.messages import Answer, Question, Scope


class Pending(Struct, frozen=True):
    """A question that a member has sent and what it needs to read the answers; secret, and stored until they are there.

    Attributes:
        scope: of the question.
        member: that asks.
        batch: its number.
        kind: of artifact.
        values: the identifiers.
        masks: 32 bytes an identifier.
        elements: the blinded elements as sent, 32 bytes each.
    """

    scope: Scope
    member: str
    batch: int
    kind: str
    values: list[bytes]
    masks: bytes
    elements: bytes

    def __repr__(self) -> str:
        return f"Pending(scope={self.scope!r}, batch={self.batch}, kind={self.kind!r}, {len(self.values)} values)"

    def question(self, key: Ed25519PrivateKey) -> Question:
        """What is sent, signed by the member; the same after a restart."""
        return messages.sign(Question(self.scope, self.batch, self.member, self.elements), key)


def prf_inputs(scope: Scope, kind: str, values: Sequence[bytes]) -> Packed:
    """What the PRF is applied to: purpose, epoch, kind and value, each after its length.

    Raises:
        ElementError: a value is so long that the whole exceeds 65,535 bytes.
    """
    parts = (b"identifier", scope.purpose.encode(), scope.epoch.to_bytes(4, "big"), kind.encode())
    head = b"".join(map(oprf.sized, parts))
    if max(map(len, values), default=0) > oprf.MAX_INPUT - len(head) - 2:
        raise ElementError("an identifier that is too long", do="Hash it first.")
    return Packed.of([head + oprf.sized(value) for value in values])


def ask(scope: Scope, member: str, kind: str, values: Sequence[bytes], first: int = 0) -> Iterator[Pending]:
    """Blind identifiers for their questions, in batches numbered from ``first``.

    Raises:
        MessageError: a value occurs twice, which would be charged twice and shown in a count.
    """
    if len(set(values)) < len(values):
        raise MessageError("identifiers that occur twice", do="Give each once.")
    for number, (start, end) in enumerate(batch.pieces(len(values), evaluation.BATCH), first):
        part = list(values[start:end])
        blinded = evaluation.blind(prf_inputs(scope, kind, part))
        yield Pending(scope, member, number, kind, part, blinded.masks.tobytes(), blinded.elements.tobytes())


def answer(share: Share, question: Question, member: Ed25519PublicKey) -> Answer:
    """The keyholder's answer. Charge the member's quota first (``quotas.charge``), once for the same bytes.

    Args:
        share: the keyholder's.
        question: of a member.
        member: its key, which a keyholder other than the hub knows from elsewhere than the hub.

    Raises:
        MessageError: not signed by the member, or of another scope than the share, which ends with its epoch.
        ElementError: bytes that are no element.
    """
    if question.scope != share.scope:
        raise MessageError(f"a question of {question.scope} to the share of {share.scope}")
    messages.check_signature(question, member)
    found = evaluation.evaluate(share.pair(), rows(question.elements))
    return Answer(question.scope, question.batch, share.holder, found.elements.tobytes(), found.proof)


def read(pending: Pending, publics: Mapping[str, bytes], answers: Iterable[Answer]) -> Bytes:
    """The pseudonyms, shape (n, 64), from the answers of all keyholders.

    Args:
        pending: the question.
        publics: public shares by holder, from ``keys.announced``.
        answers: one of each holder.

    Raises:
        MessageError: an answer to another question, or two of one holder.
        ProofError: an answer is missing, or was made with another key; its holder is named.
        ElementError: bytes that are no element.
    """
    told: dict[str, Evaluated] = {}
    for given in answers:
        if (given.scope, given.batch) != (pending.scope, pending.batch) or given.holder in told:
            raise MessageError("an answer that belongs to another question, or is there twice", where=given.holder)
        told[given.holder] = Evaluated(rows(given.elements), given.proof)
    inputs = prf_inputs(pending.scope, pending.kind, pending.values)
    return evaluation.finish(Blinded(inputs, rows(pending.masks), rows(pending.elements)), publics, told)


def rows(packed: bytes, width: int = group.SIZE) -> Bytes:
    """Packed bytes as rows.

    Raises:
        MessageError: their number is not a multiple of the width.
    """
    if len(packed) % width:
        raise MessageError(f"{len(packed)} bytes where a multiple of {width} is needed")
    return np.frombuffer(packed, np.uint8).reshape(-1, width)
