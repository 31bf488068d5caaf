"""A statement on a key is taken from who holds it, to the letter, and from nobody else."""

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography", reason="needs the extra forum")

from stillwatch.forum.ledger import SignatureError, SigningKey
from stillwatch.forum.ledger.possession import Brought, GivenUp, bring, give_up, read_statement, vouched

ACTOR = "identity--51247703-bcd7-4ba1-8dc3-499a084b624c"
NEW, OLD, OTHER = (SigningKey(bytes([n]) * 32) for n in range(3))
ENVELOPE = bring(ACTOR, NEW, OLD, retires=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def known(*keys: SigningKey) -> dict[str, bytes]:
    return {key.id: key.public for key in keys}


def test_what_is_said_is_read_and_who_vouches_is_known() -> None:
    assert read_statement(ENVELOPE) == Brought(ACTOR, base64.b64encode(NEW.public).decode(), OLD.id)
    assert (
        vouched(ENVELOPE, known(OLD)) and vouched(ENVELOPE, known(OLD, OTHER)) and not vouched(ENVELOPE, known(OTHER))
    )
    assert read_statement(bring(ACTOR, NEW)) == Brought(ACTOR, base64.b64encode(NEW.public).decode())
    assert read_statement(give_up(ACTOR, OLD.id, NEW)) == GivenUp(ACTOR, OLD.id)
    assert json.loads(json.dumps(ENVELOPE)) == ENVELOPE


@given(JSON)
def test_whatever_else_comes_is_refused(nonsense: Any) -> None:
    for envelope in (nonsense, {"payload": nonsense}, {**ENVELOPE, "payload": nonsense},
                     {**ENVELOPE, "signatures": nonsense}, {**ENVELOPE, "payloadType": nonsense}):  # fmt: skip
        with pytest.raises(SignatureError):
            read_statement(envelope)


@given(st.binary(max_size=80) | JSON.map(lambda each: json.dumps(each).encode()))
def test_no_other_payload_passes_for_a_statement(payload: bytes) -> None:
    with pytest.raises(SignatureError):
        read_statement({**ENVELOPE, "payload": base64.b64encode(payload).decode()})


@given(st.data())
def test_a_statement_that_was_changed_anywhere_is_refused_or_vouched_for_by_nobody(data: st.DataObject) -> None:
    made = copy.deepcopy(ENVELOPE)
    where = data.draw(st.sampled_from(["payload", "sig", "keyid"]))
    holder, name = (
        (made, "payload") if where == "payload" else (made["signatures"][data.draw(st.integers(0, 1))], where)
    )
    text = holder[name]
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCab01+/=").filter(lambda each: each != text[place]))
    holder[name] = text[:place] + letter + text[place + 1 :]
    try:
        said = read_statement(made)
    except SignatureError:
        return
    same = [raw(each["sig"]) for each in made["signatures"]] == [raw(each["sig"]) for each in ENVELOPE["signatures"]]
    if where == "sig" and same:
        return  # the same signature, its last letter's unused bits otherwise
    assert said == read_statement(ENVELOPE) and not vouched(made, known(OLD))


def raw(written: str) -> bytes:
    try:
        return base64.b64decode(written, validate=True)
    except ValueError:
        return b""
