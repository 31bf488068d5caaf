"""A log as an honest hub writes it, which tests then let go wrong."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stillwatch.forum.ledger import (
    Ledger,
    MemoryStore,
    SigningKey,
    Verifier,
    acknowledge,
    commit,
    digest,
    read_acknowledgement,
    sign_object,
    stamp,
)  # fmt: skip
from stillwatch.forum.ledger import entries as e
from stillwatch.forum.ledger import witness as witnesses
from stillwatch.forum.ledger.audit import Audit, Trust, run_audit
from stillwatch.forum.ledger.files import FileStore, export
from stillwatch.forum.ledger.note import COSIGNATURE, Note, parse

ORIGIN, WITNESS = "forum.example/log", "witness.example/w1"
LOG_KEY, WITNESS_KEY = SigningKey(bytes(32)), SigningKey(b"w" * 32)
LOG = Verifier(ORIGIN, LOG_KEY.public)
SEEN = Verifier(WITNESS, WITNESS_KEY.public, COSIGNATURE)
ALICE, BOB = "identity--00000000-0000-4000-8000-00000000000a", "identity--00000000-0000-4000-8000-00000000000b"
ALICE_KEY, BOB_KEY = SigningKey(b"a" * 32), SigningKey(b"b" * 32)
BEGAN = 1_800_000_000_000_000
DAY = 86_400_000_000
POLICY = "5" * 64
NOW = stamp(BEGAN + 30 * DAY)


def time(days: float = 0) -> str:
    return stamp(BEGAN + round(days * DAY))


def indicator(number: int = 1) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created_by_ref": ALICE, "created": "2027-01-15T08:00:00.000Z", "modified": "2027-01-15T08:00:00.000Z",
        "pattern": "[ipv4-addr:value = '192.0.2.7']", "pattern_type": "stix",
    }  # fmt: skip


SALTS = {f"i{number}": bytes([number]) * 16 for number in range(1, 10)}
OBJECTS = {name: sign_object(indicator(number), ALICE_KEY) for number, name in enumerate(SALTS, 1)}


def opening(name: str) -> e.Opening:
    return e.Opening(item=name, salt=SALTS[name].hex(), object=OBJECTS[name])


def submitted(name: str, days: float = 1, person: str = "p-submit") -> e.Submitted:
    return e.Submitted(
        time=time(days), item=name, actor=ALICE, person=person, collection="c1", object_type="indicator",
        commitment=commit(SALTS[name], digest(OBJECTS[name])),
    )  # fmt: skip


def released(name: str, position: int, days: float = 1, by: str = "guard", person: str = "") -> e.Released:
    return e.Released(time=time(days), item=name, by=by, policy=POLICY, position=position, person=person)


def acknowledged(recall: str, days: float, key: SigningKey = BOB_KEY, actor: str = BOB) -> e.Acknowledged:
    envelope = acknowledge(recall, actor, time(days), key)
    return read_acknowledgement(envelope, {key.id: key.public}, recall, actor, time(days))


def compared(session: str, *kinds: str) -> list[e.Entry]:
    """Two members' comparison, up to the count."""
    about = {"actor": ALICE, "other": BOB, "epoch": "54", "session": session, "kinds": kinds or ("client_ip",)}
    return [
        e.Compared(time=time(8), stage=stage, **about)  # type: ignore[arg-type]
        for stage in ("offered", "accepted", "cardinality")
    ]


def consented(actor: str, session: str, agree: bool = True) -> e.Consented:
    return e.Consented(time=time(8), actor=actor, session=session, agree=agree, statement=hashlib.sha256().hexdigest())


def opening_entries() -> list[e.Entry]:
    """Members, people and the policy, as every log begins."""
    return [
        e.Ruled(time=time(), policy=POLICY, version="2026-11", approved_by=("counsel-1",)),
        e.Enrolled(time=time(), actor=ALICE, group="g1"),
        e.Granted(time=time(), actor=ALICE, collection="c1", read=True, write=True),
        e.Enrolled(time=time(), actor=BOB, group="g1"),
        e.Granted(time=time(), actor=BOB, collection="c1", read=True, write=False),
        e.Keyed(time=time(), actor=ALICE, public=base64.b64encode(ALICE_KEY.public).decode()),
        e.Keyed(time=time(), actor=BOB, public=base64.b64encode(BOB_KEY.public).decode()),
        e.Appointed(time=time(), person="p-submit", roles=("submitter",)),
        e.Appointed(time=time(), person="p-counsel", roles=("counsel",)),
        e.Appointed(time=time(), person="p-operator", roles=("operator",)),
    ]


def honest() -> list[e.Entry]:
    """Every kind of entry at least once, and every rule kept."""
    return [
        *opening_entries(),
        submitted("i1"), released("i1", 1),
        submitted("i2"),
        e.Quarantined(time=time(1), item="i2", cause="guard", categories=("free_text",), policy=POLICY),
        submitted("i3"), e.Withheld(time=time(1), item="i3", by="guard", categories=("prices",), policy=POLICY),
        released("i2", 2, 2, "counsel", "p-counsel"),
        submitted("i4", 2), e.Merged(time=time(2), item="i4", into="i1", policy=POLICY),
        submitted("i5", 2),
        e.Quarantined(time=time(2), item="i5", cause="guard", categories=("free_text",), policy=POLICY),
        e.Fetched(time=time(3), actor=BOB, collection="c1", first=1, last=2, count=2),
        e.Withheld(time=time(3), item="i5", by="counsel", categories=("customers",), policy=POLICY, person="p-counsel"),
        e.Reported(time=time(3), item="i1", actor=BOB, kind="sighting"),
        e.Quarantined(time=time(3), item="i2", cause="flood", categories=("flood",), policy=POLICY),
        released("i2", 3, 3.5, "counsel", "p-counsel"),
        e.Recalled(time=time(4), recall="r1", kind="erased", actor=ALICE, items=("i1",), owed=(BOB,)),
        released("i4", 4, 4),
        acknowledged("r1", 5),
        e.Resolved(time=time(6), actor=ALICE, person="p-operator", reason="court-order"),
        e.Appealed(time=time(7), appeal="a1", item="i2", deadline=time(14)),
        e.Answered(time=time(8), appeal="a1", actor=ALICE, outcome="rejected"),
        e.Evaluated(time=time(8), actor=ALICE, epoch="2027-02", count=100),
        e.Announced(time=time(8), holder="hub", epoch="54", public=base64.b64encode(bytes(32)).decode()),
        *compared("s1"), *(consented(actor, "s1") for actor in (ALICE, BOB)),
        e.Compared(time=time(8), actor=ALICE, other=BOB, epoch="54", session="s1", stage="disclosure"),
        e.Pooled(time=time(8), actor=ALICE, epoch="54", clusters=3),
        e.Joined(time=time(8), group="g1", epoch="54", members=2),
        e.Ended(time=time(8), holder="hub", epoch="54"),
        e.Unkeyed(time=time(9), actor=ALICE, key=ALICE_KEY.id),
        e.Issued(time=time(9), token="0123456789abcdef", person="p-submit", expires=time(99), by="p-operator"),
        e.Revoked(time=time(9), token="0123456789abcdef", by="p-operator"),
    ]  # fmt: skip


@dataclass
class Story:
    """A hub's log in memory, with a checkpoint after each batch and a witness on the last."""

    store: MemoryStore = field(default_factory=MemoryStore)

    def tell(self, *batches: Iterable[e.Entry], witnessed: bool = True) -> "Story":
        seen = None
        for batch in batches:
            ledger = Ledger(self.store, ORIGIN)
            ledger.append(batch)
            ledger.sign(LOG_KEY)
            if witnessed:
                request = ledger.request(seen.size if seen else 0)
                signed = witnesses.cosign(request, LOG, seen, WITNESS, WITNESS_KEY, BEGAN // 1_000_000)
                ledger.cosigned(ledger.size, f"{signed.signatures[-1]}\n", [SEEN])
                seen = witnesses.checkpoint.read(signed.text)
        return self

    def export(self, folder: Path, openings: Iterable[e.Opening] = ()) -> Path:
        export(self.store, folder, openings)
        return folder


def audited(folder: Path, now: str = NOW, **trust: Any) -> Audit:
    return run_audit(FileStore(folder), Trust(LOG, **{"witnesses": (SEEN,), "quorum": 1, **trust}), now)


def failed(audit: Audit) -> dict[str, list[str]]:
    """The checks that failed, with what they say."""
    return {each.name: [r.text for r in each.remarks] for each in audit.checks if each.outcome == "failed"}


def note_of(told: Story) -> Note:
    """The latest checkpoint's note."""
    return parse(told.store.checkpoints()[-1].note)
