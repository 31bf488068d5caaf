"""TAXII 2.1 (OASIS Standard, June 2021): every endpoint of §4 and §5 as an operation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from stillwatch.forum.hub import reading, recall, submission, times
from stillwatch.forum.hub.errors import Malformed
from stillwatch.forum.hub.hub import find_collection
from stillwatch.forum.hub.reading import Page, Question
from stillwatch.schema.forum import Collection, Filter, Right, Submission
from stillwatch.server.operations import TAXII, Call, Operation, Reply

ROOT = "/taxii2/forum/"
_STIX = "application/stix+json;version=2.1"
_List = Annotated[str, Meta(min_length=1, max_length=8000)]


class Discovery(msgspec.Struct):
    """§4.1.1."""

    title: str
    description: str
    default: str
    api_roots: list[str]


class ApiRoot(msgspec.Struct):
    """§4.2.1."""

    title: str
    description: str
    versions: list[str]
    max_content_length: int


class CollectionResource(msgspec.Struct):
    """§5.2.1."""

    id: str
    title: str
    description: str
    alias: str
    can_read: bool
    can_write: bool
    media_types: list[str]


class Collections(msgspec.Struct, omit_defaults=True):
    """§5.1.1."""

    collections: list[CollectionResource] = []


class StatusDetails(msgspec.Struct, omit_defaults=True):
    """§4.3.1."""

    id: str
    version: str = ""
    message: str = ""


class Status(msgspec.Struct, omit_defaults=True, kw_only=True):
    """§4.3.1."""

    id: str
    status: str
    request_timestamp: str
    total_count: int = -1
    success_count: int = -1
    failure_count: int = -1
    pending_count: int = -1
    successes: list[StatusDetails] = []
    failures: list[StatusDetails] = []
    pendings: list[StatusDetails] = []


class Envelope(msgspec.Struct, omit_defaults=True, kw_only=True):
    """§3.7."""

    more: bool = False
    next: str = ""
    objects: list[dict[str, Any]] = []


class ManifestRecord(msgspec.Struct):
    """§5.3.1."""

    id: str
    date_added: str
    version: str
    media_type: str


class Manifest(msgspec.Struct, omit_defaults=True):
    """§5.3.1."""

    more: bool = False
    next: str = ""
    objects: list[ManifestRecord] = []


class Versions(msgspec.Struct, omit_defaults=True):
    """§5.8.1."""

    more: bool = False
    next: str = ""
    versions: list[str] = []


class NoQuery(msgspec.Struct):
    """A query of which nothing matters."""


class VersionsQuery(msgspec.Struct, kw_only=True):
    """§3.4 and §3.5, as far as it applies to the versions of one object."""

    added_after: _List | None = None
    limit: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    next: _List | None = None
    specs: _List | None = msgspec.field(name="match[spec_version]", default=None)


class ObjectQuery(VersionsQuery, kw_only=True):
    """§3.4 and §3.5, as far as it applies to one object."""

    versions: _List | None = msgspec.field(name="match[version]", default=None)


class ObjectsQuery(ObjectQuery, kw_only=True):
    """§3.4 and §3.5."""

    ids: _List | None = msgspec.field(name="match[id]", default=None)
    types: _List | None = msgspec.field(name="match[type]", default=None)


class DeleteQuery(msgspec.Struct, kw_only=True):
    """§5.7."""

    versions: _List | None = msgspec.field(name="match[version]", default=None)
    specs: _List | None = msgspec.field(name="match[spec_version]", default=None)


def question(query: Any) -> Question:
    """What a TAXII query asks for.

    Raises:
        Malformed: a filter's value is none that it can have.
    """
    after = times.moment(query.added_after) if getattr(query, "added_after", None) else None
    filter_ = replace(
        versions_of(_split(getattr(query, "versions", None)) or ("last",)),
        ids=_split(getattr(query, "ids", None)),
        types=_split(getattr(query, "types", None)),
        specs=_split(query.specs),
        added_after=after,
    )
    return Question(filter_, getattr(query, "limit", None), getattr(query, "next", None))


def versions_of(asked: Sequence[str]) -> Filter:
    """What ``match[version]`` asks for (§3.5).

    Raises:
        Malformed: a version is neither a time nor one of the three words.
    """
    return Filter(
        all_versions="all" in asked,
        last="last" in asked,
        first="first" in asked,
        moments=tuple(times.moment(each) for each in asked if each not in {"all", "first", "last"}),
    )


def _split(value: str | None) -> tuple[str, ...]:
    parts = tuple(sorted(set(value.split(",")))) if value else ()
    if "" in parts:
        raise Malformed("an empty value in a list", where="match")
    return parts


def discovery(call: Call) -> Discovery:
    """§4.1."""
    return Discovery(
        "Stillwatch forum", "Indicators of adversarial distillation, exchanged under guardrails.", ROOT, [ROOT]
    )


def api_root(call: Call) -> ApiRoot:
    """§4.2."""
    about = "Signed STIX 2.1 objects; what is not positively permitted does not leave."
    return ApiRoot("Stillwatch forum", about, [TAXII], call.hub.limits.envelope_bytes)


def status(call: Call) -> Status:
    """§4.3."""
    return _status(submission.status(call.hub, call.who, call.path["status"]))


def collections(call: Call) -> Collections:
    """§5.1."""
    return Collections([_collection(*each) for each in reading.collections(call.hub, call.who)])


def collection(call: Call) -> CollectionResource:
    """§5.2."""
    with call.hub.store.reading() as tx:
        return _collection(*find_collection(tx.records, call.who, call.path["collection"]))


def objects(call: Call) -> Reply:
    """§5.4."""
    page = reading.objects(call.hub, call.who, call.path["collection"], question(call.query))
    return Reply(reading.envelope(page), _dates(page))


def add_objects(call: Call) -> Status:
    """§5.5."""
    return _status(submission.submit(call.hub, call.who, call.path["collection"], call.body))


def manifest(call: Call) -> Reply:
    """§5.3."""
    page = reading.manifest(call.hub, call.who, call.path["collection"], question(call.query))
    return Reply(reading.manifest_resource(page), _dates(page))


def one_object(call: Call) -> Reply:
    """§5.6."""
    path = call.path
    page = reading.one_object(call.hub, call.who, path["collection"], path["object"], question(call.query))
    return Reply(reading.envelope(page), _dates(page))


def delete_object(call: Call) -> Reply:
    """§5.7; without a version every one is erased."""
    wanted = question(call.query).filter
    wanted = wanted if call.query.versions else replace(wanted, all_versions=True)
    recall.erase(call.hub, call.who, call.path["collection"], call.path["object"], wanted)
    return Reply(b"{}")


def versions(call: Call) -> Reply:
    """§5.8."""
    path = call.path
    page = reading.versions(call.hub, call.who, path["collection"], path["object"], question(call.query))
    return Reply(reading.versions_resource(page), _dates(page))


def _dates(page: Page) -> dict[str, str]:
    """§3.2: the first and last ``date_added`` of a page."""
    if not page.rows:
        return {}
    first, last = times.text(page.rows[0].added), times.text(page.rows[-1].added)
    return {"X-TAXII-Date-Added-First": first, "X-TAXII-Date-Added-Last": last}


def _collection(found: Collection, right: Right) -> CollectionResource:
    return CollectionResource(found.id, found.title, found.description, found.alias, right.read, right.write, [_STIX])


def _status(found: Submission) -> Status:
    three = [msgspec.json.decode(each, type=list[StatusDetails]) for each in
             (found.successes, found.failures, found.pendings)]  # fmt: skip
    successes, failures, pendings = three
    return Status(
        id=found.id,
        status="pending" if pendings else "complete",
        request_timestamp=times.text(found.time),
        total_count=sum(map(len, three)),
        success_count=len(successes),
        failure_count=len(failures),
        pending_count=len(pendings),
        successes=successes,
        failures=failures,
        pendings=pendings,
    )


_C = f"{ROOT}collections/{{collection}}/"
_O = f"{_C}objects/{{object}}/"
_READ, _WRITE = ("submitter", "analyst", "counsel", "auditor"), ("submitter",)

OPERATIONS = (
    Operation("GET", "/taxii2/", "discovery", "Where the API root is.", discovery, Discovery, NoQuery, taxii=True),
    Operation("GET", ROOT, "api_root", "What the API root takes.", api_root, ApiRoot, NoQuery, taxii=True),
    Operation("GET", f"{ROOT}status/{{status}}/", "status", "What became of an envelope.", status, Status, NoQuery,
              taxii=True, failures=(404,)),
    Operation("GET", f"{ROOT}collections/", "collections", "The collections that you have a right to.", collections,
              Collections, NoQuery, taxii=True),
    Operation("GET", _C, "collection", "One collection.", collection, CollectionResource, NoQuery, taxii=True,
              failures=(404,)),
    Operation("GET", f"{_C}objects/", "objects", "A page of objects.", objects, Envelope, ObjectsQuery, taxii=True,
              roles=_READ, failures=(403, 404)),
    Operation("POST", f"{_C}objects/", "add_objects", "Submit objects.", add_objects, Status, NoQuery, bytes, 202, True,
              _WRITE, (403, 404, 413, 415, 422)),
    Operation("GET", f"{_C}manifest/", "manifest", "A page without content.", manifest, Manifest, ObjectsQuery,
              taxii=True, roles=_READ, failures=(403, 404)),
    Operation("GET", _O, "object", "Versions of one object.", one_object, Envelope, ObjectQuery, taxii=True,
              roles=_READ, failures=(403, 404)),
    Operation("DELETE", _O, "delete_object", "Erase an object of yours.", delete_object, dict[str, str], DeleteQuery,
              taxii=True, roles=_WRITE, failures=(403, 404)),
    Operation("GET", f"{_O}versions/", "versions", "The versions of one object.", versions, Versions, VersionsQuery,
              taxii=True, roles=_READ, failures=(403, 404)),
)  # fmt: skip
