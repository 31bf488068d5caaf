"""RFC 9497's own vectors, and what must be refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.matching import group, oprf
from stillwatch.forum.matching.errors import ElementError, ProofError
from stillwatch.forum.matching.oprf import Mode

GOLDEN = json.loads((Path(__file__).parent / "rfc9497.json").read_text())
VECTORS = [(mode, vector) for mode in GOLDEN["modes"] for vector in mode["vectors"]]
SEED, INFO = bytes.fromhex(GOLDEN["seed"]), bytes.fromhex(GOLDEN["key_info"])


def unhex(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def named(case: tuple[dict, dict]) -> str:
    return f"{Mode(case[0]['mode']).name}-{'+'.join(case[1]['input'])}"


@pytest.mark.parametrize("case", VECTORS, ids=named)
def test_the_rfcs_vectors(case: tuple[dict, dict]) -> None:
    told, vector = case
    mode = Mode(told["mode"])
    key = oprf.derive_key_pair(SEED, INFO, mode)
    assert key.secret.hex() == told["secret"]
    assert "public" not in told or key.public.hex() == told["public"]
    inputs, scalars = unhex(vector["input"]), unhex(vector["blind"])
    blinded = [oprf.blind(value, mode, scalar)[1] for value, scalar in zip(inputs, scalars, strict=True)]
    assert blinded == unhex(vector["blinded"])
    evaluated = [oprf.blind_evaluate(key.secret, element) for element in blinded]
    assert evaluated == unhex(vector["evaluated"])
    triples = zip(inputs, scalars, evaluated, strict=True)
    assert [oprf.finalize(*triple) for triple in triples] == unhex(vector["output"])
    assert [oprf.evaluate(key.secret, value, mode) for value in inputs] == unhex(vector["output"])
    if "proof" in vector:
        proof = oprf.prove(key, blinded, evaluated, mode, bytes.fromhex(vector["proof_scalar"]))
        assert proof.hex() == vector["proof"]
        oprf.verify(key.public, blinded, evaluated, proof, mode)


@settings(max_examples=20)
@given(value=st.binary(max_size=300), seed=st.binary(min_size=32, max_size=32))
def test_blinding_is_undone_and_the_proof_holds(value: bytes, seed: bytes) -> None:
    key = oprf.derive_key_pair(seed, b"", Mode.VOPRF)
    scalar, blinded = oprf.blind(value, Mode.VOPRF)
    evaluated = oprf.blind_evaluate(key.secret, blinded)
    oprf.verify(key.public, [blinded], [evaluated], oprf.prove(key, [blinded], [evaluated]))
    assert oprf.finalize(value, scalar, evaluated) == oprf.evaluate(key.secret, value, Mode.VOPRF)


def test_another_key_cannot_be_proven() -> None:
    key, other = (oprf.derive_key_pair(bytes([i]) * 32, b"", Mode.VOPRF) for i in (1, 2))
    blinded = [oprf.blind(bytes([i]), Mode.VOPRF)[1] for i in range(3)]
    evaluated = [oprf.blind_evaluate(key.secret, element) for element in blinded]
    proof = oprf.prove(key, blinded, evaluated)
    swapped = [evaluated[1], evaluated[0], evaluated[2]]
    wrong = [*evaluated[:2], oprf.blind_evaluate(other.secret, blinded[2])]
    for public, told in ((other.public, evaluated), (key.public, swapped), (key.public, wrong)):
        with pytest.raises(ProofError):
            oprf.verify(public, blinded, told, proof)


@settings(max_examples=30)
@given(place=st.integers(0, 511))
def test_a_proof_with_one_bit_changed_does_not_hold(place: int) -> None:
    key = oprf.derive_key_pair(bytes(32), b"", Mode.VOPRF)
    _, blinded = oprf.blind(b"x", Mode.VOPRF)
    evaluated = oprf.blind_evaluate(key.secret, blinded)
    proof = bytearray(oprf.prove(key, [blinded], [evaluated]))
    proof[place >> 3] ^= 1 << (place & 7)
    with pytest.raises(ProofError):
        oprf.verify(key.public, [blinded], [evaluated], bytes(proof))


# Of RFC 9496, appendix A.3: non-canonical, negative, non-square, negative xy, s = -1; then ours.
REFUSED = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6",  # the generator with its highest bit set
    "00" * 31,
    "00" * 32,
]


@pytest.mark.parametrize("encoding", REFUSED)
def test_what_is_no_element_is_refused(encoding: str) -> None:
    element = bytes.fromhex(encoding)
    with pytest.raises(ElementError):
        oprf.blind_evaluate(group.random_scalar(), element)
    with pytest.raises(ElementError):
        oprf.finalize(b"x", group.random_scalar(), element)


@pytest.mark.parametrize("scalar", [bytes(32), group.ORDER.to_bytes(32, "little"), b"\xff" * 32, b"\x01" * 31])
def test_what_is_no_scalar_is_refused(scalar: bytes) -> None:
    with pytest.raises(ElementError):
        oprf.blind(b"x", Mode.OPRF, scalar)


def test_inputs_have_a_bound_and_seeds_a_size() -> None:
    with pytest.raises(ElementError, match="65535"):
        oprf.blind(bytes(65_536), Mode.OPRF)
    with pytest.raises(ElementError, match="seed"):
        oprf.derive_key_pair(b"short", b"", Mode.OPRF)


def test_a_key_does_not_show_its_secret() -> None:
    key = oprf.derive_key_pair(bytes(32), b"", Mode.VOPRF)
    assert key.secret.hex() not in repr(key)
    assert str(key.secret) not in repr(key)
