"""Evaluation of the verifiable PRF in batches, by keyholders that each hold a share of the key.

The key of an epoch is the sum of its keyholders' shares, which nobody ever holds. A member sends one blinded batch to
each keyholder, adds what comes back, and gets the output of RFC 9497 (mode VOPRF) under the sum; every answer carries
the RFC's batched proof against that keyholder's public share.

Blinding here is additive: ``B = H(x) + r·G``, and ``k·B - r·K = k·H(x)`` with ``K = k·G``. B is uniform, as in the
RFC's ``r·H(x)``, the output is the same, and both masks are multiples of fixed elements, which are five times as fast.
What comes back may be unmasked only when it was made with the k of a K that the member knows in advance (Jarecki,
Krawczyk, Xu, "On the (In)Security of the Diffie-Hellman Oblivious PRF with Multiplicative Blinding", PKC 2021, on
both blindings), so there is no way to finish without verifying the proofs.

A call takes one batch and runs on one thread without the interpreter lock; ``batch.spread`` runs several at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

import numpy as np

from stillwatch.forum.matching import group, oprf
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.curve.batch import Bytes, Packed, Points
from stillwatch.forum.matching.errors import ElementError, ProofError
from stillwatch.forum.matching.oprf import KeyPair, Mode

BATCH: Final = 16_384  # elements a message: half a megabyte, and one proof


@dataclass(frozen=True, slots=True)
class Blinded:
    """What a member keeps of a batch until the answers are there, and what it sends.

    Attributes:
        inputs: the identifiers, never sent.
        masks: secret scalars, shape (n, 32), never sent.
        elements: blinded elements, shape (n, 32).
    """

    inputs: Packed = field(repr=False)
    masks: Bytes = field(repr=False)
    elements: Bytes


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A keyholder's answer: elements, shape (n, 32), and the proof of 64 bytes."""

    elements: Bytes
    proof: bytes


def joint_key(publics: Sequence[bytes]) -> bytes:
    """The public key of the sum of the shares.

    Raises:
        ElementError: a share is no element, or the sum is the identity.
    """
    return group.check_element(reduce(group.add, map(group.check_element, publics)))


def blind(inputs: Packed) -> Blinded:
    """Blind a batch with fresh masks.

    Raises:
        ElementError: more inputs than one message holds, or an input above 65,535 bytes.
    """
    _check_size(len(inputs))
    if np.diff(inputs.offsets).max(initial=0) > oprf.MAX_INPUT:
        raise ElementError(f"an input of more than {oprf.MAX_INPUT} bytes")
    masks = batch.random_scalars(len(inputs))
    return Blinded(inputs, masks, batch.hash_and_mask(inputs, oprf.group_tag(Mode.VOPRF), masks))


def evaluate(key: KeyPair, elements: Bytes) -> Evaluated:
    """BlindEvaluate of a batch with one key share, and the proof.

    Raises:
        ElementError: a row is no element or the identity, or there are none or too many.
    """
    _check_size(len(elements))
    points = batch.decode(elements)
    evaluated = batch.multiply(key.secret, points)
    composite = batch.weighted_sum(points, _weights(key.public, elements, evaluated))
    return Evaluated(evaluated, oprf.prove_composite(key, composite, Mode.VOPRF))


def verify(public: bytes, elements: Bytes, answer: Evaluated, decoded: Points | None = None) -> Points:
    """Verify the proof of an answer; gives the answer's points. ``decoded`` are those of ``elements``, if known.

    Raises:
        ProofError: it does not hold, or the answer has another length.
        ElementError: a row of it is no element or the identity.
    """
    if answer.elements.shape != elements.shape:
        raise ProofError("an answer of another length than the question")
    points, weights = batch.decode(answer.elements), _weights(public, elements, answer.elements)
    composite = batch.weighted_sum(decoded or batch.decode(elements), weights)
    image = batch.weighted_sum(points, weights)
    oprf.verify_composite(public, composite, image, answer.proof, Mode.VOPRF)
    return points


def finish(kept: Blinded, publics: Mapping[str, bytes], answers: Mapping[str, Evaluated]) -> Bytes:
    """Verify the answers of all keyholders, and unblind their sum: the PRF's outputs, shape (n, 64).

    Args:
        kept: what ``blind`` gave.
        publics: the public share of every keyholder of the epoch, by name, known beforehand.
        answers: by the same names.

    Raises:
        ProofError: an answer is missing or one too many, or a proof does not hold; the keyholder is named.
        ElementError: an element is none.
    """
    if publics.keys() != answers.keys() or not publics:
        raise ProofError(f"answers of {sorted(answers)} where those of {sorted(publics)} are needed")
    decoded, parts = batch.decode(kept.elements), []
    for name in sorted(publics):
        try:
            parts.append(verify(publics[name], kept.elements, answers[name], decoded))
        except (ProofError, ElementError) as error:
            raise type(error)(error.what, where=name, do=error.do) from error
    joint = joint_key([publics[name] for name in sorted(publics)])
    return batch.finalize(kept.inputs, batch.sum_and_unmask(parts, kept.masks, joint))


def _check_size(count: int) -> None:
    if not 0 < count <= BATCH:
        raise ElementError(f"a batch of {count} elements; there are 1 to {BATCH}", do="Split it.")


def _weights(public: bytes, elements: Bytes, evaluated: Bytes) -> Bytes:
    """The weights of ComputeComposites (RFC 9497, section 2.2.1), all transcripts hashed in one pass."""
    count = len(elements)
    size = group.SIZE.to_bytes(2, "big")
    pieces: list[bytes | Bytes] = [
        oprf.sized(oprf.composite_seed(public, Mode.VOPRF)),
        np.arange(count, dtype=">u2").view(np.uint8).reshape(count, 2),
        size,
        elements,
        size,
        evaluated,
        b"Composite",
    ]
    arrays = [np.frombuffer(piece, np.uint8) if isinstance(piece, bytes) else piece for piece in pieces]
    columns = [np.broadcast_to(array, (count, array.shape[-1])) for array in arrays]
    return batch.hash_to_scalars(np.hstack(columns), oprf.scalar_tag(Mode.VOPRF))
