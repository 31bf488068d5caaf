"""Objects go out: a page, a manifest, one object, its versions. A page is logged before it is given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from uuid import uuid4

import msgspec

from stillwatch.forum.hub import times
from stillwatch.forum.hub.errors import Absent
from stillwatch.forum.hub.hub import Hub, readable
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.ledger.entries import Fetched
from stillwatch.schema.forum import Collection, Fetch, Filter, Principal, Pseudonym, Right, Row


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and the cursor of the next page, if there is more."""

    rows: list[Row]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks of a list: a filter, how many at most, and where to go on."""

    filter: Filter
    limit: int | None = None
    next: str | None = None


def collections(hub: Hub, who: Principal) -> list[tuple[Collection, Right]]:
    """The collections that the member has a right to."""
    with hub.store.reading() as tx:
        rights = {each.collection: each for each in tx.records.find(Right, member=who.member)}
        found = tx.records.find(Collection, number=list(rights))
    return [(each, rights[each.number]) for each in found if rights[each.number].read or rights[each.number].write]


def objects(hub: Hub, who: Principal, name: str, question: Question) -> Page:
    """A page of objects with their content.

    Raises:
        Absent: there is no such collection for them.
        Forbidden: they may not read it.
        Malformed: the cursor is not of this question.
    """
    with hub.store.writing() as tx:
        collection = readable(tx.records, who, name)
        tx.objects.share(collection.number)  # who recalls one of these objects afterwards finds that they were fetched
        readable(tx.records, who, name)  # the right may have gone meanwhile
        page = _page(hub, tx, who, collection, question, "objects", bodies=True)
        fetched(hub, tx, who, collection, page.rows)
    return page


def manifest(hub: Hub, who: Principal, name: str, question: Question) -> Page:
    """A page without content; errors as of ``objects``."""
    with hub.store.reading() as tx:
        collection = readable(tx.records, who, name)
        return _page(hub, tx, who, collection, question, "manifest", bodies=False)


def one_object(hub: Hub, who: Principal, name: str, id_: str, question: Question) -> Page:
    """Versions of one object with their content.

    Raises:
        Absent: there is no such object; else as of ``objects``.
    """
    page = objects(hub, who, name, replace(question, filter=replace(question.filter, ids=(id_,))))
    _found(hub, who, name, id_, page)
    return page


def versions(hub: Hub, who: Principal, name: str, id_: str, question: Question) -> Page:
    """The versions of one object without content; errors as of ``one_object``."""
    wanted = replace(question.filter, ids=(id_,), all_versions=True)
    page = manifest(hub, who, name, replace(question, filter=wanted))
    _found(hub, who, name, id_, page)
    return page


def _found(hub: Hub, who: Principal, name: str, id_: str, page: Page) -> None:
    """An object that exists may have nothing that the filter wants; one that does not exist is an error."""
    if not page.rows:
        whole = Question(Filter(ids=(id_,), all_versions=True), limit=1)
        if not manifest(hub, who, name, whole).rows:
            raise Absent("no such object", where=id_[:120])


def _page(
    hub: Hub, tx: Transaction, who: Principal, collection: Collection, question: Question, kind: str, bodies: bool
) -> Page:
    asked = (kind, who.member, collection.id, msgspec.json.encode(question.filter).decode())
    after = hub.cursors.read(question.next, *asked) if question.next is not None else 0
    limit = min(question.limit or hub.limits.page, hub.limits.page)
    rows = tx.objects.page(collection.number, after, limit + 1, question.filter, bodies)
    sizes = accumulate(len(row.body) for row in rows)
    fitting = sum(1 for _ in takewhile(lambda size: size <= hub.limits.page_bytes, sizes))
    given = rows[: max(1, min(limit, fitting))]
    more = len(given) < len(rows)
    return Page(given, hub.cursors.write(given[-1].position, *asked) if more else None)


def fetched(hub: Hub, tx: Transaction, who: Principal, collection: Collection, rows: list[Row]) -> None:
    """Remember who has which objects, for recalls, and log it."""
    if rows:
        first, last = rows[0].position, rows[-1].position
        tx.records.add(Fetch(uuid4().hex, collection.number, who.member, first, last, hub.clock()))
        known = tx.records.one(Pseudonym, group=collection.group, member=who.member)
        if known is None:
            raise Absent("you are no member of the sharing group of this collection", where=collection.id)
        hub.log(tx, Fetched(time="", actor=known.id, collection=collection.id, first=first, last=last, count=len(rows)))


def envelope(page: Page) -> bytes:
    """A TAXII envelope (§3.7) of stored bytes as they are; a list without elements is left out."""
    return _resource(page, b",".join([row.body for row in page.rows]))


def manifest_resource(page: Page) -> bytes:
    """A TAXII manifest (§5.3.1)."""
    return _resource(page, b",".join(_each(page, _entry)))


def versions_resource(page: Page) -> bytes:
    """A TAXII versions resource (§5.8.1)."""
    joined = b",".join(msgspec.json.encode(version_of(row)) for row in page.rows)
    return b'{"more":' + _more(page) + (b',"versions":[' + joined + b"]}" if page.rows else b"}")


def version_of(row: Row) -> str:
    """An object's version; that of an object without one is when it was added."""
    return row.version or times.text(row.added)


def _entry(row: Row) -> bytes:
    media = f"application/stix+json;version={row.spec}"
    return msgspec.json.encode(
        {"id": row.id, "date_added": times.text(row.added), "version": version_of(row), "media_type": media}
    )


def _each(page: Page, make: Callable[[Row], bytes]) -> list[bytes]:
    return [make(row) for row in page.rows]


def _more(page: Page) -> bytes:
    return b'true,"next":"' + page.next.encode() + b'"' if page.next else b"false"


def _resource(page: Page, joined: bytes) -> bytes:
    return b'{"more":' + _more(page) + (b',"objects":[' + joined + b"]}" if page.rows else b"}")
