"""What TAXII has no word for, under ``/forum/v1/``: review, feedback, appeals, recalls, pseudonyms, the log.

No field anywhere here says what a member did with an indicator, and none that reaches another member takes text.
"""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from stillwatch.forum.hub import appeals, feedback, logbook, pseudonyms, recall, receipts, review, times
from stillwatch.forum.hub.errors import Unprocessable
from stillwatch.schema.forum import Appeal, Collection, Filter, Quarantined, Resolving
from stillwatch.server import openapi, taxii
from stillwatch.server.operations import Call, Operation, Reply

ROOT = "/forum/v1/"
_NO_NUL = "^[^\\u0000]*$"  # PostgreSQL takes none
_Text = Annotated[str, Meta(min_length=10, max_length=2000, pattern=_NO_NUL)]
_Id = Annotated[str, Meta(min_length=1, max_length=300, pattern=_NO_NUL)]
_Size = Annotated[int, Meta(ge=0, lt=1 << 53)]
_Evidence = Annotated[str, Meta(extra_json_schema={"enum": list(feedback.EVIDENCE)})]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """What comes in has no other fields than these."""


class After(Strict):
    """A page of what came after a time; without one, from the beginning."""

    after: Annotated[str, Meta(max_length=40)] = ""


class Waiting(msgspec.Struct):
    """An object in quarantine."""

    id: str
    collection: str
    object: str
    version: str
    cause: str
    digest: str
    time: str


class WaitingPage(msgspec.Struct):
    """What waits for counsel, the oldest first."""

    waiting: list[Waiting]


class Looked(msgspec.Struct):
    """An object in quarantine, whole, and the guard's verdict line by line."""

    waiting: Waiting
    object: dict[str, Any]
    verdict: dict[str, Any]


class Decided(Strict):
    """Counsel's decision; ``digest`` is that of the object that was looked at."""

    decision: Literal["release", "reject"]
    reason: _Text
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Report(Strict):
    """What a member says of another's object. ``count`` of accounts is kept in powers of ten."""

    kind: Literal["sighting", "confirmation", "false_positive"] = "sighting"
    count: Annotated[int, Meta(ge=1, le=10**9)] = 1
    evidence: Annotated[tuple[_Evidence, ...], Meta(max_length=12)] = ()


class Standing(msgspec.Struct):
    """What several members agree on, what confidence is left, what the source is worth (0 to 1)."""

    object: str
    standing: Literal["confirmed", "disputed", "unconfirmed"]
    confidence: int
    source: float


class Objection(Strict):
    """An affected party's objection, recorded by the house."""

    collection: _Id
    object: _Id
    statement: _Text


class Erasure(Strict):
    """Why one's own object is erased; ``versions`` as of TAXII's ``match[version]``, none for all of them."""

    reason: recall.Erasure = "unspecified"
    versions: Annotated[tuple[_Id, ...], Meta(max_length=100)] = ()


class AppealResource(msgspec.Struct, omit_defaults=True):
    """An appeal, as the house and the object's submitter see it."""

    id: str
    object: str
    state: Literal["open", "upheld", "corrected", "rejected", "expired"]
    statement: str
    time: str
    deadline: str
    answer: str = ""
    answered: str = ""


class Appeals(msgspec.Struct):
    """Appeals, the oldest first."""

    appeals: list[AppealResource]


class Answer(Strict):
    """The submitter's answer to an appeal."""

    outcome: Literal["upheld", "corrected", "rejected"]
    reason: _Text


class RecallResource(msgspec.Struct):
    """A recall that waits for the member's acknowledgement under its pseudonym ``actor``."""

    id: str
    kind: Literal["withdrawn", "erased", "suspended", "reinstated"]
    collection: str
    object: str
    actor: str
    time: str
    reason: recall.Reason


class Recalls(msgspec.Struct):
    """What the member has to acknowledge, the oldest first."""

    recalls: list[RecallResource]


class Signature(Strict):
    """A signature of a DSSE envelope."""

    keyid: Annotated[str, Meta(max_length=100)]
    sig: Annotated[str, Meta(max_length=200)]


class Envelope(Strict):
    """A DSSE v1 envelope (§ protocol of github.com/secure-systems-lab/dsse)."""

    payload: Annotated[str, Meta(max_length=4000)]
    payloadType: Annotated[str, Meta(max_length=200)]  # noqa: N815 - the name in the specification
    signatures: Annotated[list[Signature], Meta(min_length=1, max_length=4)]


class Receipt(msgspec.Struct):
    """That a recall is acknowledged."""

    recall: str
    acknowledged: str


class Question(Strict):
    """Why a pseudonym is resolved."""

    reason: Resolving


class Resolution(msgspec.Struct):
    """Which member a pseudonym is."""

    pseudonym: str
    member: str


class SizeQuery(Strict):
    """A size of the log."""

    size: _Size


class MaybeSizeQuery(Strict):
    """A size of the log, or as it is now."""

    size: _Size | None = None


class OldQuery(Strict):
    """The size of the checkpoint that a witness saw last."""

    old: _Size


class FromQuery(Strict):
    """The sizes beyond one."""

    after: _Size = 0


class ActorQuery(Strict):
    """In which sharing group, by the pseudonym there; empty for all."""

    actor: Annotated[str, Meta(max_length=300, pattern=_NO_NUL)] = ""


class EntriesQuery(Strict):
    """Which entries."""

    first: _Size = 0
    count: Annotated[int, Meta(ge=1, le=logbook.PAGE)] = logbook.PAGE


class InclusionQuery(Strict):
    """An entry, and a size of the log."""

    index: _Size
    size: _Size


class ConsistencyQuery(Strict):
    """Two sizes of the log."""

    old: _Size
    new: _Size


class Checkpoints(msgspec.Struct):
    """Signed notes, in the order of their sizes."""

    checkpoints: list[str]


class Entries(msgspec.Struct):
    """Entries in their canonical JSON, from position ``first`` on."""

    first: int
    entries: list[str]


class Proof(msgspec.Struct):
    """Hashes in base64."""

    hashes: list[str]


def waiting(call: Call) -> WaitingPage:
    """What the caller may decide on."""
    appeals.expire(call.hub)
    found = review.waiting(call.hub, call.who, _moment(call))
    with call.hub.store.reading() as tx:
        names = {each.number: each for each in tx.records.find(Collection)}
    return WaitingPage([_waiting(each, names[each.collection]) for each in found])


def look(call: Call) -> Looked:
    """One of them, whole."""
    found = review.look(call.hub, call.who, call.path["id"])
    return Looked(_waiting(found.record, found.collection), found.object, found.verdict)


def decide(call: Call) -> Reply:
    """Release or reject it."""
    said: Decided = call.body
    review.decide(call.hub, call.who, call.path["id"], said.decision == "release", said.reason, said.digest)
    return Reply(b"{}")


def report(call: Call) -> Reply:
    """Keep a report."""
    said: Report = call.body
    path = call.path
    feedback.report(call.hub, call.who, path["collection"], path["object"], said.kind, said.count, said.evidence)
    return Reply(b"{}")


def standing(call: Call) -> Standing:
    """What an object is worth."""
    found = feedback.standing(call.hub, call.who, call.path["collection"], call.path["object"])
    return msgspec.convert(found, Standing, from_attributes=True)


def erase(call: Call) -> Reply:
    """Erase an object of one's own, for a reason of the list."""
    said: Erasure = call.body
    wanted = taxii.versions_of(said.versions) if said.versions else Filter(all_versions=True)
    recall.erase(call.hub, call.who, call.path["collection"], call.path["object"], wanted, said.reason)
    return Reply(b"{}")


def lodge(call: Call) -> AppealResource:
    """Record an objection."""
    said: Objection = call.body
    return _appeal(appeals.lodge(call.hub, call.who, said.collection, said.object, said.statement))


def list_appeals(call: Call) -> Appeals:
    """Those that concern the caller."""
    appeals.expire(call.hub)
    return Appeals([_appeal(each) for each in appeals.listed(call.hub, call.who, _moment(call))])


def answer(call: Call) -> AppealResource:
    """Answer one."""
    said: Answer = call.body
    return _appeal(appeals.answer(call.hub, call.who, call.path["id"], said.outcome, said.reason))


def recalls(call: Call) -> Recalls:
    """What is to be acknowledged."""
    appeals.expire(call.hub)
    return Recalls(
        [
            RecallResource(
                each.recall.id, each.recall.kind, each.collection.id, each.recall.object, each.actor,  # type: ignore[arg-type]
                times.text(each.recall.time), each.recall.reason,  # type: ignore[arg-type]
            )
            for each in receipts.owed(call.hub, call.who, call.query.actor)
        ]
    )  # fmt: skip


def acknowledge(call: Call) -> Receipt:
    """Take the proof."""
    made = receipts.acknowledge(call.hub, call.who, call.path["recall"], msgspec.to_builtins(call.body))
    return Receipt(made.recall, times.text(made.acknowledged or 0))


def resolve(call: Call) -> Resolution:
    """Look up who is behind a pseudonym."""
    found = pseudonyms.resolve(call.hub, call.who, call.path["pseudonym"], call.body.reason)
    return Resolution(call.path["pseudonym"], found.name)


def checkpoint(call: Call) -> Reply:
    """A signed note."""
    return Reply(logbook.checkpoint(call.hub, call.query.size).note.encode())


def checkpoints(call: Call) -> Checkpoints:
    """Every signed note."""
    return Checkpoints([each.note for each in logbook.checkpoints(call.hub, call.query.after)])


def entries(call: Call) -> Entries:
    """Entries for an auditor."""
    first = call.query.first
    return Entries(first, [each.decode() for each in logbook.entries(call.hub, call.who, first, call.query.count)])


def inclusion(call: Call) -> Proof:
    """That an entry is in the log."""
    return _proof(logbook.inclusion(call.hub, call.query.index, call.query.size))


def consistency(call: Call) -> Proof:
    """That the log continues itself."""
    return _proof(logbook.consistency(call.hub, call.query.old, call.query.new))


def request(call: Call) -> Reply:
    """What a witness is asked to cosign."""
    return Reply(logbook.request(call.hub, call.query.old).encode())


def cosign(call: Call) -> Reply:
    """Take a witness's lines."""
    try:
        lines = call.body.decode()
    except UnicodeDecodeError:
        raise Unprocessable("is not UTF-8", where="body") from None
    return Reply(logbook.cosign(call.hub, call.query.size, lines, call.hub.witnesses).note.encode())


def _moment(call: Call) -> int:
    return times.moment(call.query.after) if call.query.after else 0


def _waiting(held: Quarantined, collection: Collection) -> Waiting:
    digest, time = held.digest.hex(), times.text(held.time)
    return Waiting(held.id, collection.id, held.object, held.version, held.cause, digest, time)


def _appeal(found: Appeal) -> AppealResource:
    answered = times.text(found.answered) if found.answered is not None else ""
    return AppealResource(
        found.id, found.object, found.state, found.statement, times.text(found.time),  # type: ignore[arg-type]
        times.text(found.deadline), found.answer or "", answered,
    )  # fmt: skip


def _proof(hashes: Sequence[bytes]) -> Proof:
    return Proof([base64.b64encode(each).decode() for each in hashes])


def with_document(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations, and the one that describes them all."""

    def describe(call: Call) -> Reply:
        return Reply(made)

    describing = Operation("GET", f"{ROOT}openapi.json", "openapi", "This document.", describe, dict[str, Any])
    every = (*operations, describing)
    made = msgspec.json.encode(openapi.document(every))
    return every


_Q, _A, _L = f"{ROOT}quarantine/", f"{ROOT}appeals/", f"{ROOT}ledger/"
_O = f"{ROOT}collections/{{collection}}/objects/{{object}}/"
_COUNSEL, _REPORTS = ("counsel",), ("submitter", "analyst")
_READS = ("submitter", "analyst", "counsel", "auditor")
_None = dict[str, str]

OPERATIONS = (
    Operation("GET", _Q, "quarantine", "What waits for your decision.", waiting, WaitingPage, After, roles=_COUNSEL),
    Operation("GET", f"{_Q}{{id}}/", "quarantined", "One object that waits.", look, Looked, roles=_COUNSEL),
    Operation("POST", f"{_Q}{{id}}/decision", "decide", "Release or reject what waits.", decide, _None, body=Decided,
              roles=_COUNSEL, failures=(409, 422)),
    Operation("POST", f"{_O}reports", "report", "Say that an object was seen, is right, is wrong.", report, _None,
              body=Report, roles=_REPORTS, failures=(409, 422)),
    Operation("POST", f"{_O}erasure", "erase", "Erase an object of yours, and say why.", erase, _None, body=Erasure,
              roles=("submitter",)),
    Operation("GET", f"{_O}standing", "standing", "What an object and its source are worth.", standing, Standing,
              roles=_READS),
    Operation("POST", _A, "lodge_appeal", "Record an affected party's objection.", lodge, AppealResource,
              body=Objection, status=201, roles=("counsel", "operator"), failures=(404, 422)),
    Operation("GET", _A, "appeals", "Objections to your objects.", list_appeals, Appeals, After,
              roles=("counsel", "submitter", "operator", "auditor")),
    Operation("POST", f"{_A}{{id}}/answer", "answer_appeal", "Answer an objection to an object of yours.", answer,
              AppealResource, body=Answer, roles=("counsel", "submitter"), failures=(409, 422)),
    Operation("GET", f"{ROOT}recalls/", "recalls", "Recalls that you have to acknowledge.", recalls, Recalls,
              ActorQuery, roles=_READS, failures=(404,)),
    Operation("POST", f"{ROOT}recalls/{{recall}}/acknowledgement", "acknowledge", "Prove that a recall reached you.",
              acknowledge, Receipt, body=Envelope, roles=_READS, failures=(409, 422)),
    Operation("POST", f"{ROOT}pseudonyms/{{pseudonym}}/resolution", "resolve", "Look up a pseudonym; it is logged.",
              resolve, Resolution, body=Question, roles=("operator",)),
    Operation("GET", f"{_L}checkpoint", "checkpoint", "A checkpoint of the log.", checkpoint, str, MaybeSizeQuery,
              failures=(404,), text=True),
    Operation("GET", f"{_L}checkpoints", "checkpoints", "Checkpoints of the log.", checkpoints, Checkpoints, FromQuery),
    Operation("GET", f"{_L}entries", "entries", "Entries of the log, for an auditor of the house.", entries, Entries,
              EntriesQuery, roles=("auditor",)),
    Operation("GET", f"{_L}inclusion", "inclusion", "Proof that an entry is in the log.", inclusion, Proof,
              InclusionQuery, failures=(404,)),
    Operation("GET", f"{_L}consistency", "consistency", "Proof that the log only grew.", consistency, Proof,
              ConsistencyQuery, failures=(404,)),
    Operation("GET", f"{_L}request", "witness_request", "What a witness is asked to cosign.", request, str, OldQuery,
              failures=(404,), text=True),
    Operation("POST", f"{_L}cosignatures", "cosign", "A witness's signature lines.", cosign, str, SizeQuery, bytes,
              failures=(404, 422), text=True),
)  # fmt: skip
