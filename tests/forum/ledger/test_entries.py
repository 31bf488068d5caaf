import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.ledger import entries as e
from stillwatch.forum.ledger.errors import LedgerError
from tests.forum.ledger.story import POLICY, honest, submitted, time


def test_the_story_has_every_kind_of_entry() -> None:
    assert {type(each) for each in honest()} == set(get_args(e.ANY)) - {e.Lapsed}  # there nobody misses a deadline


def test_entries_are_canonical_json_and_read_back() -> None:
    for entry, raw in zip(honest(), e.encode(honest()), strict=True):
        assert raw == rfc8785.dumps(json.loads(raw))
        assert e.decode(raw) == entry


def test_golden_entry() -> None:
    assert e.encode([e.Withheld(time=time(1), item="i3", by="guard", categories=("prices",), policy=POLICY)]) == [
        b'{"by":"guard","categories":["prices"],"item":"i3","policy":"' + b"5" * 64 + b'",'
        b'"time":"2027-01-16T08:00:00.000000Z","type":"withheld"}'
    ]


@pytest.mark.parametrize(
    ("entry", "field"),
    [(e.Withheld(time=time(), item="i", by="guard", categories=("we banned Acme",), policy=POLICY), "categories"),
     (e.Resolved(time=time(), actor="a", person="p", reason="please ban them\n"), "reason"),
     (e.Released(time=time(), item="i\n", by="guard", policy=POLICY, position=1), "item"),
     (e.Released(time=time(), item="i", by="nobody", policy=POLICY, position=1), "by"),  # type: ignore[arg-type]
     (e.Released(time=time(), item="i", by="guard", policy=POLICY, position=-1), "position"),
     (e.Released(time="today", item="i", by="guard", policy=POLICY, position=1), "time"),
     (e.Ruled(time=time(), policy="x", version="1", approved_by=()), "policy"),
     (e.Recalled(time=time(), recall="r", kind="erased", actor="a", items=(), owed=()), "items"),
     (e.Enrolled(time=time(), actor="x" * 101, group="g"), "actor")],
)  # fmt: skip
def test_no_field_takes_text(entry: e.Entry, field: str) -> None:
    with pytest.raises(LedgerError, match=field):
        e.encode([entry])


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"type":"rumour","time":"2027-01-16T08:00:00.000000Z"}', b"[" * 5000,
     e.encode([submitted("i1")])[0] + b" ", e.encode([submitted("i1")])[0].replace(b":", b": ", 1),
     e.encode([submitted("i1")])[0].replace(b'"type"', b'"note":"x","type"'), b" " * (e.LONGEST + 1),
     e.encode([submitted("i1")])[0].replace(b'"item":"i1"', b'"item":"i2","item":"i1"')],
)  # fmt: skip
def test_what_is_no_entry(raw: bytes) -> None:
    with pytest.raises(LedgerError):
        e.decode(raw)


@given(st.integers(0, 253_402_300_799_999_999))
def test_times_sort_as_text(micros: int) -> None:
    written = e.stamp(micros)
    assert msgspec.json.decode(msgspec.json.encode(written), type=e.Time) == written
    assert e.stamp(max(micros - 1, 0)) <= written


def test_times_of_entries_are_exact() -> None:
    assert e.stamp(1_800_000_000_000_001) == "2027-01-15T08:00:00.000001Z"


def test_a_commitment_opens_by_salt_and_object_alone() -> None:
    salt, digest = b"s" * 16, hashlib.sha256(b"object").digest()
    found = e.commit(salt, digest)
    assert found == hmac.new(salt, b"stillwatch item\n" + digest, "sha256").hexdigest()
    others = [(b"t" * 16, digest), (salt, hashlib.sha256(b"other").digest())]
    assert all(e.commit(*each) != found for each in others)


@given(st.sampled_from(honest()), st.data())
def test_a_changed_entry_is_another_leaf_or_none(entry: e.Entry, data: st.DataObject) -> None:
    (raw,) = e.encode([entry])
    changed: dict[str, Any] = json.loads(raw)
    name = data.draw(st.sampled_from(sorted(changed)))
    changed[name] = data.draw(st.text(max_size=5) | st.integers() | st.none())
    again = rfc8785.dumps(changed) if not isinstance(changed[name], int) or abs(changed[name]) < 2**53 else b""
    with suppress(LedgerError):
        assert e.decode(again) != entry or again == raw
