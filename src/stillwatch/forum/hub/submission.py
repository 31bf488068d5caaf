"""An envelope comes in: examined, then released, quarantined or withheld, object by object, in one transaction.

The order: every object is read, its signature verified and the guard asked before the transaction begins, as none of it
needs the store. Then the collection is locked, what is known already is set aside, the rest is stored and logged, and
all of it is committed at once. An envelope sent again changes nothing and is answered alike.
"""

from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import msgspec

from stillwatch.forum.hub import feedback, recall, suspension, twins
from stillwatch.forum.hub.door import read_envelope
from stillwatch.forum.hub.errors import Absent, Conflict
from stillwatch.forum.hub.examine import Examined, Failed, Signer
from stillwatch.forum.hub.hub import Hub, writable
from stillwatch.forum.hub.interface import Judgement, Records, Setting, Transaction
from stillwatch.forum.hub.statuses import caught_up
from stillwatch.forum.ledger import entries
from stillwatch.schema.forum import (
    Collection,
    Feedback,
    Key,
    Known,
    NewObject,
    Principal,
    Pseudonym,
    Quarantined,
    Right,
    State,
    Submission,
    Withheld,
)  # fmt: skip
from stillwatch.schema.stix import published

_MATCHED = "known: it is on record already"
_NOT_TAKEN = "not taken here"
_CORROBORATES = "equal to another member's indicator: counted as its corroboration"


@dataclass(slots=True)
class _Outcome:
    """What becomes of an envelope's objects."""

    successes: list[dict[str, str]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    pendings: list[dict[str, str]] = field(default_factory=list)
    rows: list[tuple[NewObject, str, State]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    corroborated: list[str] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Record:
    """What is on record of the objects of an envelope: of anybody, and of the submitter's member what was held back.

    ``standing`` is what other members' indicators say, ``barred`` the objects of which no new version is taken. Who
    does not read the collection (``reads``) is told nothing by which to know what others have in it.
    """

    versions: dict[tuple[str, int], Known]
    owners: dict[str, Known]
    standing: dict[bytes, Known]
    pending: dict[tuple[str, int, bytes], Quarantined]
    withheld: dict[tuple[str, int, bytes], Withheld]
    barred: set[str]
    reads: bool


def submit(hub: Hub, who: Principal, name: str, body: bytes) -> Submission:
    """Take an envelope for a collection; returns its status.

    Raises:
        HubError: the envelope as a whole is refused. Objects that are refused are failures of the status.
    """
    with hub.store.reading() as tx:
        collection = writable(tx.records, who, name)
        signer = signer_of(tx.records, who.member, collection)
    raws = read_envelope(body, hub.limits)
    examined = hub.examine([bytes(raw) for raw in raws], signer)
    with hub.store.writing() as tx:
        tx.objects.lock(collection.number)
        writable(tx.records, who, name)  # the right may have gone meanwhile
        return _settle(hub, tx, who, collection, signer.pseudonym, examined)


def signer_of(records: Records, member: str, collection: Collection) -> Signer:
    """Who a member is in a collection's group.

    Raises:
        Absent: it is no member of the group.
    """
    pseudonym = records.one(Pseudonym, group=collection.group, member=member)
    if pseudonym is None:
        raise Absent("you are no member of the sharing group of this collection", where=collection.id)
    keys = records.find(Key, pseudonym=pseudonym.id, retired=None)
    setting = Setting(collection.purpose, collection.tlp, pseudonym.id)
    return Signer(pseudonym.id, {key.id: key.public for key in keys}, collection.signed, setting)


def _settle(
    hub: Hub, tx: Transaction, who: Principal, collection: Collection, pseudonym: str, examined: list[Examined | Failed]
) -> Submission:
    now, id_ = hub.clock(), str(uuid4())
    record = _record(hub, tx, who, collection, [each.new for each in examined if isinstance(each, Examined)])
    outcome = _Outcome()
    for each in examined:
        if isinstance(each, Failed):
            outcome.failures.append(_detail(each.id, each.version, each.message))
        else:
            _place(outcome, record, who, collection, each, id_, now)
    positions = tx.objects.insert(collection.number, outcome.rows, now, id_)
    # The one version of an id is its newest and oldest from the first: only among several is there anything to rank.
    versions = Counter(id_ for id_, _ in record.versions)
    tx.objects.rank(collection.number, {new.id for new, _, _ in outcome.rows if versions[new.id] > 1})
    tx.records.add(*outcome.quarantined)
    tx.records.add(*outcome.withheld)
    corroborate(tx.records, collection.number, who.member, outcome.corroborated, now)
    encoded = [msgspec.json.encode(each).decode() for each in (outcome.successes, outcome.failures, outcome.pendings)]
    submission = Submission(id_, collection.number, who.member, who.person, now, *encoded)
    tx.records.add(submission)
    hub.log(tx, *_submitted(hub, who, pseudonym, collection, outcome), *_decided(hub, outcome, positions))
    for new, before in _withdrawn(record, outcome):
        positions, items = [each.position for each in before], [each.item for each in before]
        recall.announce(hub, tx, collection, new.id, positions, "withdrawn", who.member, "withdrawn", items)
    recall.promote(hub, tx, collection, _superseded(record, outcome, versions))
    released = [new for new, _, state in outcome.rows if state is State.RELEASED]
    feedback.heard(hub, tx, collection, who.member, released)
    return submission


def _submitted(
    hub: Hub, who: Principal, pseudonym: str, collection: Collection, outcome: _Outcome
) -> list[entries.Entry]:
    """One entry for each object that was news."""
    news = [(new.item, new.type, new.digest) for new, _, _ in outcome.rows]
    news += [(each.item, each.type, each.digest) for each in outcome.quarantined]
    news += [(each.id, each.object.partition("--")[0], each.digest) for each in outcome.withheld]
    return [
        entries.Submitted(time="", item=item, actor=pseudonym, person=who.person, collection=collection.id,
                          object_type=kind, commitment=entries.commit(hub.salt(item), digest))
        for item, kind, digest in news
    ]  # fmt: skip


def _decided(hub: Hub, outcome: _Outcome, positions: list[int]) -> list[entries.Entry]:
    """What the guard made of each, in the order of ``_submitted``."""
    made: list[entries.Entry] = []
    for (new, _, state), position in zip(outcome.rows, positions, strict=True):
        into = outcome.merged.get(new.item, "")
        if state is State.DUPLICATE:
            made.append(entries.Merged(time="", item=new.item, into=into, policy=hub.policy))
        else:
            made.append(entries.Released(time="", item=new.item, by="guard", policy=hub.policy, position=position))
    for held in outcome.quarantined:
        made.append(entries.Quarantined(time="", item=held.item, cause=held.cause, policy=hub.policy,
                                        categories=outcome.categories[held.item]))  # fmt: skip
    for gone in outcome.withheld:
        made.append(entries.Withheld(time="", item=gone.id, by="guard", policy=hub.policy,
                                     categories=outcome.categories[gone.id]))  # fmt: skip
    return made


def _withdrawn(record: _Record, outcome: _Outcome) -> list[tuple[NewObject, list[Known]]]:
    """Each released version that revokes its object, and the versions that readers saw before."""
    found = []
    for new, _, state in outcome.rows:
        if new.revoked and state is State.RELEASED:
            before = [each for each in record.versions.values() if each.id == new.id and each.item != new.item
                      and each.position > 0 and each.state != State.ERASED]  # fmt: skip
            if before:
                found.append((new, before))
    return found


def _superseded(record: _Record, outcome: _Outcome, versions: Counter[str]) -> list[Known]:
    """Versions whose submitter says something else now, or nothing."""
    changed = [new for new, _, state in outcome.rows if state is State.RELEASED and versions[new.id] > 1]
    before: dict[str, list[Known]] = {new.id: [] for new in changed}
    for each in record.versions.values() if changed else ():
        if each.id in before:
            before[each.id].append(each)
    return [each for new in changed for each in twins.superseded(new, before[new.id])]


def _record(hub: Hub, tx: Transaction, who: Principal, collection: Collection, news: list[NewObject]) -> _Record:
    ids = {new.id for new in news}
    known = tx.objects.known(collection.number, ids)
    indicators = {new.content for new in news if new.type == "indicator"}
    equals = tx.objects.equals(collection.number, indicators) if indicators else []
    held = tx.records.find(Quarantined, collection=collection.number, object=ids) if ids else []
    withheld = tx.records.find(Withheld, collection=collection.number, object=ids) if ids else []
    return _Record(
        versions={(each.id, each.moment): each for each in known},
        owners={each.id: each for each in reversed(known)},
        standing=twins.standing(tx, collection, [each for each in equals if each.member != who.member]),
        pending={(each.object, each.moment, each.digest): each for each in held
                 if each.member == who.member and each.decision != "expired"},
        withheld={(each.object, each.moment, each.digest): each for each in withheld if each.member == who.member},
        barred=suspension.barred(hub, held),
        reads=tx.records.one(Right, collection=collection.number, member=who.member, read=True) is not None,
    )  # fmt: skip


def _place(
    outcome: _Outcome, record: _Record, who: Principal, collection: Collection, each: Examined, id_: str, now: int
) -> None:
    """Put one examined object where it belongs, and on record, so that the next one in the envelope meets it."""
    new, judgement = each.new, each.judgement
    if _on_record(outcome, record, who, new):
        return
    key, detail = (new.id, new.moment, new.digest), _detail(new.id, new.version, judgement.message)
    outcome.categories[new.item] = tuple(judgement.category.split(",")[:16]) if judgement.category else ()
    if judgement.outcome == "withhold":
        gone = Withheld(new.item, collection.number, who.member, new.id, new.moment, new.digest,
                        judgement.category, judgement.message, judgement.policy, now)  # fmt: skip
        record.withheld[key] = gone
        outcome.withheld.append(gone)
        outcome.failures.append(detail)
        return
    if judgement.outcome == "quarantine":
        held = quarantine(new, judgement, collection.number, who, id_, "guard", now)
        record.pending[key] = held
        outcome.quarantined.append(held)
        outcome.pendings.append(detail)
        return
    if stored := record.versions.get((new.id, new.moment)):  # another's, of which the submitter is not told
        if stored.state == State.ERASED:
            outcome.failures.append(_detail(new.id, new.version, _NOT_TAKEN))
        else:
            outcome.successes.append(detail)
        return
    standing = record.standing.get(new.content)
    state = State.DUPLICATE if standing and new.id not in record.owners and not new.revoked else State.RELEASED
    if standing and state is State.DUPLICATE:
        outcome.corroborated.append(standing.id)
        outcome.merged[new.item] = standing.item
        detail["message"] = _CORROBORATES if record.reads else detail["message"]
    stored = Known(-1, new.id, new.type, new.moment, new.digest, new.content, who.member, int(state), now, new.item)
    record.versions[new.id, new.moment] = stored
    record.owners.setdefault(new.id, stored)
    outcome.rows.append((new, who.member, state))
    outcome.successes.append(detail)


def _on_record(outcome: _Outcome, record: _Record, who: Principal, new: NewObject) -> bool:
    """Whether the object is settled by what is on record: told to the outcome."""
    key = (new.id, new.moment, new.digest)
    stored, pending, withheld = record.versions.get(key[:2]), record.pending.get(key), record.withheld.get(key)
    owner = record.owners.get(new.id)
    hidden = bool(stored and stored.member != who.member and not record.reads and new.id not in published())
    if hidden:
        stored = None
    if owner and owner.member != who.member and new.version and new.id not in published():
        outcome.failures.append(_detail(new.id, new.version, "the object is another member's"))
    elif stored and stored.digest != new.digest and new.version:
        outcome.failures.append(_detail(new.id, new.version, "this version is on record with other content"))
    elif stored and stored.state == State.ERASED:
        outcome.failures.append(_detail(new.id, new.version, "this version was erased"))
    elif stored:
        outcome.successes.append(_detail(new.id, new.version, _MATCHED))
    elif new.id in record.barred and not hidden and not new.revoked:
        outcome.failures.append(_detail(new.id, new.version, suspension.BARRED))
    elif pending and pending.decision is None:
        outcome.pendings.append(_detail(new.id, new.version, "waits for counsel's decision"))
    elif pending and pending.decision == "rejected":
        outcome.failures.append(_detail(new.id, new.version, f"rejected: {pending.reason}"))
    elif withheld:
        outcome.failures.append(_detail(new.id, new.version, withheld.message))
    else:
        return False
    return True


def quarantine(
    new: NewObject, judgement: Judgement, collection: int, who: Principal, submission: str, cause: str, now: int
) -> Quarantined:
    """The record that holds an object back."""
    return Quarantined(
        uuid4().hex, collection, who.member, who.person, submission, new.id, new.type, new.version, new.moment,
        new.spec, new.body, new.digest, new.content, new.revoked, cause, judgement.verdict, now, new.item,
    )  # fmt: skip


def corroborate(records: Records, collection: int, member: str, objects: list[str], now: int) -> None:
    """Count that ``member`` submitted equals of ``objects``, once each."""
    if not objects:
        return
    known = {each.object for each in records.find(Feedback, collection=collection, object=objects, member=member,
                                                  kind="corroboration")}  # fmt: skip
    records.add(
        *(Feedback(uuid4().hex, collection, each, member, "corroboration", 1, (), now) for each in
          sorted(set(objects) - known))
    )  # fmt: skip


def status(hub: Hub, who: Principal, id_: str) -> Submission:
    """The status of an envelope, for the member that sent it.

    Raises:
        Absent: there is none of theirs.
    """
    with hub.store.reading() as tx:
        found = tx.records.one(Submission, id=id_, member=who.member)
        if found is None:
            raise Absent("no such status", where=id_[:80])
        return caught_up(tx.records, found)


def _detail(id_: str, version: str, message: str) -> dict[str, str]:
    return (
        {"id": id_, "version": version, "message": message[:1000]}
        if version
        else {"id": id_, "message": message[:1000]}
    )


def resolve(records: Records, submission: str, object_: str, version: str, failure: str | None) -> None:
    """Move an object of a submission from pending to success, or to failure with its message.

    Raises:
        Conflict: it is not pending there.
    """
    found = records.one(Submission, id=submission)
    pendings = msgspec.json.decode(found.pendings, type=list[dict[str, str]]) if found else []
    detail = next((each for each in pendings if each["id"] == object_ and each.get("version", "") == version), None)
    if found is None or detail is None:
        raise Conflict("not pending", where=object_)
    kept = "failures" if failure else "successes"
    settled = msgspec.json.decode(getattr(found, kept), type=list[dict[str, str]])
    settled.append(_detail(object_, version, failure or "released"))
    pendings.remove(detail)
    values = {"pendings": msgspec.json.encode(pendings).decode(), kept: msgspec.json.encode(settled).decode()}
    records.change(Submission, {"id": submission}, **values)
