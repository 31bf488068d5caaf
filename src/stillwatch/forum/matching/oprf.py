"""RFC 9497, ristretto255-SHA512, modes OPRF and VOPRF, as the RFC writes them: one input after the other.

``evaluation`` computes the same on batches; this is what is compared with the RFC's vectors and with that.
"""

import hashlib
import hmac
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from stillwatch.forum.matching import group
from stillwatch.forum.matching.errors import ElementError, ProofError

SUITE: Final = b"ristretto255-SHA512"
MAX_INPUT: Final = 2**16 - 1
MAX_PROVEN: Final = 2**16 - 1  # an index in a composite has two bytes
OUTPUT: Final = 64
PROOF: Final = 64


class Mode(IntEnum):
    """The modes of RFC 9497, section 3.1, that are used here."""

    OPRF = 0
    VOPRF = 1


class KeyPair(NamedTuple):
    """A secret scalar and its multiple of the generator; the secret is left out of its representation."""

    secret: bytes
    public: bytes

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()})"


def context(mode: Mode) -> bytes:
    """``CreateContextString`` (section 3.1)."""
    return b"OPRFV1-" + bytes([mode]) + b"-" + SUITE


def group_tag(mode: Mode) -> bytes:
    """The domain separation tag of HashToGroup (section 4.1)."""
    return b"HashToGroup-" + context(mode)


def scalar_tag(mode: Mode) -> bytes:
    """The domain separation tag of HashToScalar (section 4.1)."""
    return b"HashToScalar-" + context(mode)


def sized(value: bytes) -> bytes:
    """The value after its length in two bytes."""
    return len(value).to_bytes(2, "big") + value


def hash_to_group(value: bytes, mode: Mode) -> bytes:
    """HashToGroup.

    Raises:
        ElementError: the input is longer than 65,535 bytes or hashes to the identity (``InvalidInputError``).
    """
    if len(value) > MAX_INPUT:
        raise ElementError(f"an input of {len(value)} bytes; {MAX_INPUT} are allowed")
    element = group.from_uniform(group.expand(value, group_tag(mode)))
    if element == group.IDENTITY:
        raise ElementError("an input that hashes to the identity")
    return element


def hash_to_scalar(value: bytes, mode: Mode) -> bytes:
    """HashToScalar."""
    return group.reduce(group.expand(value, scalar_tag(mode)))


def derive_key_pair(seed: bytes, info: bytes, mode: Mode) -> KeyPair:
    """DeriveKeyPair (section 3.2.1).

    Args:
        seed: 32 secret bytes.
        info: public, at most 65,535 bytes.
        mode: keys differ between modes.

    Raises:
        ElementError: the seed is not of 32 bytes, or no key came of 256 trials (``DeriveKeyPairError``).
    """
    if len(seed) != group.SIZE:
        raise ElementError(f"a seed of {len(seed)} bytes; it has {group.SIZE}")
    tag = b"DeriveKeyPair" + context(mode)
    for counter in range(256):
        secret = group.reduce(group.expand(seed + sized(info) + bytes([counter]), tag))
        if secret != bytes(group.SIZE):
            return KeyPair(secret, group.multiply_base(secret))
    raise ElementError("no key could be derived from the seed")


def blind(value: bytes, mode: Mode, scalar: bytes | None = None) -> tuple[bytes, bytes]:
    """Blind (section 3.3.1): a scalar, random unless given, and the blinded element.

    Raises:
        ElementError: as for ``hash_to_group``, or the scalar is none.
    """
    chosen = group.random_scalar() if scalar is None else group.check_scalar(scalar)
    return chosen, group.multiply(chosen, hash_to_group(value, mode))


def blind_evaluate(secret: bytes, blinded: bytes) -> bytes:
    """BlindEvaluate without a proof (section 3.3.1).

    Raises:
        ElementError: the blinded element is none.
    """
    return group.multiply(secret, group.check_element(blinded))


def finalize(value: bytes, scalar: bytes, evaluated: bytes) -> bytes:
    """Finalize (sections 3.3.1 and 3.3.2): the 64 bytes of output.

    Raises:
        ElementError: the evaluated element is none.
    """
    element = group.multiply(group.invert(scalar), group.check_element(evaluated))
    return output_of(value, element)


def evaluate(secret: bytes, value: bytes, mode: Mode) -> bytes:
    """Evaluate (section 3.3.1): the output, for who has the key and the input."""
    return output_of(value, group.multiply(secret, hash_to_group(value, mode)))


def output_of(value: bytes, element: bytes) -> bytes:
    """The hash of an input and its unblinded element."""
    return hashlib.sha512(sized(value) + sized(element) + b"Finalize").digest()


# Proofs (section 2.2) ------------------------------------------------------------------------------------------------


def composite_seed(public: bytes, mode: Mode) -> bytes:
    """The seed of the weights of a composite."""
    return hashlib.sha512(sized(public) + sized(b"Seed-" + context(mode))).digest()


def _weights(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], mode: Mode) -> list[bytes]:
    seed = sized(composite_seed(public, mode))
    pairs = enumerate(zip(blinded, evaluated, strict=True))
    return [
        hash_to_scalar(seed + i.to_bytes(2, "big") + sized(c) + sized(d) + b"Composite", mode) for i, (c, d) in pairs
    ]


def _weighted(weights: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    total = group.IDENTITY
    for weight, element in zip(weights, elements, strict=True):
        total = group.add(total, group.multiply(weight, group.check_element(element)))
    return total


def _challenge(public: bytes, elements: Sequence[bytes], mode: Mode) -> bytes:
    return hash_to_scalar(b"".join(map(sized, (public, *elements))) + b"Challenge", mode)


def prove_composite(key: KeyPair, composite: bytes, mode: Mode, scalar: bytes | None = None) -> bytes:
    """The end of GenerateProof: the key's secret takes the generator to its public, and ``composite`` to its image.

    Args:
        key: of the prover.
        composite: M, the weighted sum of the blinded elements.
        mode: of the transcript.
        scalar: r; for test vectors alone, as a second proof with the same one gives the key away.
    """
    r = group.random_scalar() if scalar is None else group.check_scalar(scalar)
    image = group.multiply(key.secret, composite)
    challenge = _challenge(key.public, (composite, image, group.multiply_base(r), group.multiply(r, composite)), mode)
    return challenge + group.subtract_product(r, challenge, key.secret)


def verify_composite(public: bytes, composite: bytes, image: bytes, proof: bytes, mode: Mode) -> None:
    """The end of VerifyProof.

    Raises:
        ProofError: it does not hold.
    """
    challenge, s = proof[: group.SIZE], proof[group.SIZE :]
    if len(proof) == PROOF and max(int.from_bytes(challenge, "little"), int.from_bytes(s, "little")) < group.ORDER:
        t2 = group.add(group.multiply_base(s), group.multiply(challenge, public))
        t3 = group.add(group.multiply(s, composite), group.multiply(challenge, image))
        if hmac.compare_digest(_challenge(public, (composite, image, t2, t3), mode), challenge):
            return
    raise ProofError("a proof that the announced key was used does not hold", do="Report the keyholder to the forum.")


def prove(
    key: KeyPair, blinded: Sequence[bytes], evaluated: Sequence[bytes], mode: Mode = Mode.VOPRF, r: bytes | None = None
) -> bytes:
    """GenerateProof for a list of evaluations; ``r`` as in ``prove_composite``."""
    composite = _weighted(_weights(key.public, blinded, evaluated, mode), blinded)
    return prove_composite(key, composite, mode, r)


def verify(
    public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes, mode: Mode = Mode.VOPRF
) -> None:
    """VerifyProof for a list of evaluations.

    Raises:
        ProofError: it does not hold.
        ElementError: an element or the public key is none.
    """
    weights = _weights(group.check_element(public), blinded, evaluated, mode)
    verify_composite(public, _weighted(weights, blinded), _weighted(weights, evaluated), proof, mode)
