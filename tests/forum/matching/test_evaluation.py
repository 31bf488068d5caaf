"""Batches give what the RFC's functions give one by one, whatever the number of keyholders, rows and threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.matching import evaluation, group, oprf
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.curve.batch import Packed
from stillwatch.forum.matching.errors import ElementError, ProofError
from stillwatch.forum.matching.evaluation import BATCH, Evaluated
from stillwatch.forum.matching.oprf import KeyPair, Mode

NAMES = ("hub", "trustee", "third")


def shares(count: int) -> dict[str, KeyPair]:
    return {name: oprf.derive_key_pair(name.encode().ljust(32), b"", Mode.VOPRF) for name in NAMES[:count]}


def publics(keys: dict[str, KeyPair]) -> dict[str, bytes]:
    return {name: key.public for name, key in keys.items()}


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.binary(max_size=200), min_size=1, max_size=40), holders=st.integers(1, 3))
def test_a_batch_is_what_the_rfc_gives_under_the_sum_of_the_shares(values: list[bytes], holders: int) -> None:
    keys = shares(holders)
    kept = evaluation.blind(Packed.of(values))
    answers = {name: evaluation.evaluate(key, kept.elements) for name, key in keys.items()}
    outputs = evaluation.finish(kept, publics(keys), answers)
    secret = bytes(32)
    for key in keys.values():
        secret = group.add_scalars(secret, key.secret)
    assert [row.tobytes() for row in outputs] == [oprf.evaluate(secret, value, Mode.VOPRF) for value in values]


@settings(max_examples=10, deadline=None)
@given(count=st.integers(1, 30))
def test_batch_and_single_proofs_are_the_same_proof(count: int) -> None:
    key = shares(1)["hub"]
    kept = evaluation.blind(Packed.of([bytes([i]) for i in range(count)]))
    answer = evaluation.evaluate(key, kept.elements)
    blinded, evaluated = ([row.tobytes() for row in rows] for rows in (kept.elements, answer.elements))
    oprf.verify(key.public, blinded, evaluated, answer.proof)
    again = oprf.prove(key, blinded, evaluated)
    evaluation.verify(key.public, kept.elements, Evaluated(answer.elements, again))


def test_threads_change_nothing_and_masks_are_fresh() -> None:
    values = [Packed.of([b"%d.%d" % (part, i) for i in range(101)]) for part in range(5)]
    keys = shares(2)

    def whole(inputs: Packed) -> tuple[np.ndarray, np.ndarray]:
        kept = evaluation.blind(inputs)
        answers = {name: evaluation.evaluate(key, kept.elements) for name, key in keys.items()}
        return kept.elements, evaluation.finish(kept, publics(keys), answers)

    (sent, found), (sent_again, found_again) = (
        map(np.vstack, zip(*batch.spread(whole, values, threads), strict=True)) for threads in (1, 3)
    )
    assert np.array_equal(found, found_again)
    assert not (sent == sent_again).all(axis=1).any()
    assert len(np.unique(found, axis=0)) == 505


def test_one_answer_of_a_thousand_with_another_key_is_noticed_and_named() -> None:
    keys = shares(2)
    kept = evaluation.blind(Packed.of([str(i).encode() for i in range(1_000)]))
    answers = {name: evaluation.evaluate(key, kept.elements) for name, key in keys.items()}
    elements = answers["trustee"].elements.copy()
    elements[777] = np.frombuffer(group.multiply(group.random_scalar(), kept.elements[777].tobytes()), np.uint8)
    answers["trustee"] = Evaluated(elements, answers["trustee"].proof)
    with pytest.raises(ProofError, match=r"^trustee: "):
        evaluation.finish(kept, publics(keys), answers)


def test_a_whole_batch_with_another_key_is_noticed() -> None:
    keys, kept = shares(1), evaluation.blind(Packed.of([b"x"]))
    wrong = evaluation.evaluate(shares(2)["trustee"], kept.elements)
    with pytest.raises(ProofError):
        evaluation.finish(kept, publics(keys), {"hub": wrong})


def test_an_answer_is_needed_of_every_keyholder_and_of_nobody_else() -> None:
    keys, kept = shares(2), evaluation.blind(Packed.of([b"x"]))
    answers = {name: evaluation.evaluate(key, kept.elements) for name, key in keys.items()}
    for told in ({}, {"hub": answers["hub"]}, {**answers, "third": answers["hub"]}):
        with pytest.raises(ProofError, match="needed"):
            evaluation.finish(kept, publics(keys), told)
    with pytest.raises(ProofError, match="length"):
        evaluation.verify(keys["hub"].public, kept.elements, Evaluated(answers["hub"].elements[:0], bytes(64)))


@pytest.mark.parametrize("row", [bytes(32), b"\xff" * 32, b"\x01" + bytes(31)])
@pytest.mark.parametrize("place", [0, 8, 16])
def test_one_bad_row_anywhere_refuses_the_batch(row: bytes, place: int) -> None:
    keys, kept = shares(1), evaluation.blind(Packed.of([bytes([i]) for i in range(17)]))
    elements = kept.elements.copy()
    elements[place] = np.frombuffer(row, np.uint8)
    with pytest.raises(ElementError):
        evaluation.evaluate(keys["hub"], elements)
    answer = evaluation.evaluate(keys["hub"], kept.elements)
    wrong = answer.elements.copy()
    wrong[place] = np.frombuffer(row, np.uint8)
    with pytest.raises((ElementError, ProofError)):
        evaluation.finish(kept, publics(keys), {"hub": Evaluated(wrong, answer.proof)})


def test_batches_have_a_bound() -> None:
    key = shares(1)["hub"]
    with pytest.raises(ElementError, match="Split"):
        evaluation.blind(Packed.of([b"x"] * (BATCH + 1)))
    with pytest.raises(ElementError, match="Split"):
        evaluation.evaluate(key, np.zeros((0, 32), np.uint8))
    with pytest.raises(ElementError, match="65535"):
        evaluation.blind(Packed.of([bytes(65_536)]))


def test_shares_that_cancel_are_refused() -> None:
    key = shares(1)["hub"]
    opposite = (group.ORDER - int.from_bytes(key.secret, "little")).to_bytes(32, "little")
    with pytest.raises(ElementError):
        evaluation.joint_key([key.public, group.multiply_base(opposite)])
