import base64
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import UsageError
from stillwatch.forum.ledger.acknowledgement import acknowledge, acknowledged, read_acknowledgement
from stillwatch.forum.ledger.dsse import OBJECT_TYPE, pae, seal, sign_object, unseal, verify_object
from stillwatch.forum.ledger.ed25519 import good
from stillwatch.forum.ledger.errors import SignatureError
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.schema.shape import faults
from stillwatch.schema.stix import SIGNATURE
from tests.forum.ledger.story import ALICE, ALICE_KEY, BOB, BOB_KEY, indicator, time

GOLDEN = Path(__file__).parent / "golden"
KNOWN = {ALICE_KEY.id: ALICE_KEY.public, BOB_KEY.id: BOB_KEY.public}


def test_the_example_of_the_specification() -> None:
    # DSSE v1, protocol.md, test vectors.
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_golden_object() -> None:
    signed = sign_object(indicator(), ALICE_KEY)
    assert json.dumps(signed, indent=2) + "\n" == (GOLDEN / "indicator.json").read_text("utf-8")
    assert verify_object(signed, KNOWN) == ALICE_KEY.id


def test_anybody_can_verify_with_the_standards_alone() -> None:
    signed = sign_object(indicator(), ALICE_KEY)
    (line,) = signed["extensions"][SIGNATURE.id]["signatures"]
    payload = rfc8785.dumps(indicator())
    message = b"DSSEv1 %d %s %d %s" % (len(OBJECT_TYPE), OBJECT_TYPE.encode(), len(payload), payload)
    assert good(ALICE_KEY.public, base64.b64decode(line["sig"]), message)


def test_the_extension_has_its_published_shape() -> None:
    signed = sign_object(sign_object(indicator(), ALICE_KEY), BOB_KEY)
    assert not list(faults(signed["extensions"][SIGNATURE.id], SIGNATURE.schema))


def test_signing_leaves_the_object_and_other_signatures_alone() -> None:
    before = {**indicator(), "extensions": {"extension-definition--x": {"a": 1}}}
    held = json.dumps(before)
    once = sign_object(before, ALICE_KEY)
    twice = sign_object(sign_object(once, BOB_KEY), ALICE_KEY)
    assert json.dumps(before) == held
    assert [each["keyid"] for each in twice["extensions"][SIGNATURE.id]["signatures"]] == [BOB_KEY.id, ALICE_KEY.id]
    assert verify_object(twice, {ALICE_KEY.id: ALICE_KEY.public}) == ALICE_KEY.id
    for key in range(2):
        twice = sign_object(twice, SigningKey(bytes([key]) * 32))
    with pytest.raises(UsageError, match="at most"):
        sign_object(twice, SigningKey())


def test_what_bears_no_signature_is_not_signed() -> None:
    with pytest.raises(UsageError):
        sign_object({**indicator(), "type": "marking-definition"}, ALICE_KEY)


@given(st.sampled_from(["pattern", "created_by_ref", "id", "valid_until"]), st.text(max_size=5) | st.integers(0, 9))
def test_any_change_spoils_the_signature(name: str, value: Any) -> None:
    signed = sign_object(indicator(), ALICE_KEY)
    assert verify_object({**signed, name: value}, KNOWN) is None


def _with(**changes: Any) -> dict[str, Any]:
    signed = sign_object(indicator(), ALICE_KEY)
    extension = {**signed["extensions"][SIGNATURE.id], **changes}
    return {**signed, "extensions": {SIGNATURE.id: extension}}


@pytest.mark.parametrize(
    "changes",
    [{"payload_type": "text/plain"}, {"extension_type": "new-sdo"}, {"more": 1}, {"signatures": []},
     {"signatures": None},
     {"signatures": [{"keyid": ALICE_KEY.id}]}, {"signatures": [{"keyid": ALICE_KEY.id, "sig": 5}]},
     {"signatures": [{"keyid": [1], "sig": ""}]}, {"signatures": [{"keyid": BOB_KEY.id, "sig": "A" * 86 + "=="}]},
     {"signatures": [7]}, {"signatures": [{"keyid": "0" * 64, "sig": "x"}] * 5}],
)  # fmt: skip
def test_malformed_extensions_are_no_signature(changes: dict[str, Any]) -> None:
    assert verify_object(_with(**changes), KNOWN) is None


@pytest.mark.parametrize("extensions", [None, [], "x", {}, {SIGNATURE.id: None}, {SIGNATURE.id: []}])
def test_objects_without_one(extensions: Any) -> None:
    assert verify_object({**indicator(), "extensions": extensions}, KNOWN) is None


def test_unknown_keys_are_passed_over_and_wrong_known_ones_are_not() -> None:
    signed = sign_object(indicator(), ALICE_KEY)
    assert verify_object(signed, {BOB_KEY.id: BOB_KEY.public}) is None
    wrong = {"keyid": BOB_KEY.id, "sig": signed["extensions"][SIGNATURE.id]["signatures"][0]["sig"]}
    both = [*signed["extensions"][SIGNATURE.id]["signatures"], wrong]
    assert verify_object(_with(signatures=both), {ALICE_KEY.id: ALICE_KEY.public}) == ALICE_KEY.id
    assert verify_object(_with(signatures=both), KNOWN) is None
    # A table that files a key under another id is not believed.
    assert verify_object(signed, {ALICE_KEY.id: BOB_KEY.public}) is None


def test_a_statement_is_not_an_object() -> None:
    sealed = seal(indicator(), ALICE_KEY)
    assert unseal(sealed, KNOWN)[1] == ALICE_KEY.id
    assert verify_object(_with(signatures=sealed["signatures"]), KNOWN) is None


@pytest.mark.parametrize(
    "change", [{"payload": "e30="}, {"payload": 1}, {"payloadType": OBJECT_TYPE}, {"signatures": []}, {"x": 1}]
)
def test_a_tampered_envelope(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureError):
        unseal({**seal({"a": 1}, ALICE_KEY), **change}, KNOWN)
    with pytest.raises(SignatureError):
        unseal([], KNOWN)


def test_an_acknowledgement_is_of_one_recall_by_one_member() -> None:
    envelope = acknowledge("r1", BOB, time(2), BOB_KEY)
    entry = read_acknowledgement(envelope, {BOB_KEY.id: BOB_KEY.public}, "r1", BOB, time(3))
    assert (entry.signed_at, entry.time) == (time(2), time(3))
    assert acknowledged(entry, KNOWN)
    assert not acknowledged(entry, {ALICE_KEY.id: ALICE_KEY.public})
    for recall, actor, known in (("r2", BOB, KNOWN), ("r1", ALICE, KNOWN), ("r1", BOB, {})):
        with pytest.raises(SignatureError):
            read_acknowledgement(envelope, known, recall, actor, time(3))
    with pytest.raises(SignatureError):
        read_acknowledgement(seal({"type": "acknowledgement"}, BOB_KEY), KNOWN, "r1", BOB, time(3))
