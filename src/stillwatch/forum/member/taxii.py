"""The client's side of TAXII 2.1 (OASIS Standard, June 2021): what is asked of a server, and its answers as nouns."""

from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote, urljoin

import msgspec

from stillwatch.forum.member.errors import RefusedError, SenselessError
from stillwatch.forum.member.transport import Transport

MEDIA: Final = "application/taxii+json;version=2.1"
T = TypeVar("T")


class Collection(msgspec.Struct, frozen=True):
    """A collection (§5.2.1)."""

    id: str
    title: str = ""
    alias: str = ""
    can_read: bool = False
    can_write: bool = False


class Detail(msgspec.Struct, frozen=True):
    """What became of one object (§4.3.1)."""

    id: str
    version: str = ""
    message: str = ""


class Status(msgspec.Struct, frozen=True):
    """What became of an envelope (§4.3.1). The lists are optional; the counts are not."""

    id: str
    status: str
    success_count: int = 0
    failure_count: int = 0
    pending_count: int = 0
    successes: list[Detail] = []
    failures: list[Detail] = []
    pendings: list[Detail] = []


class Entry(msgspec.Struct, frozen=True):
    """One line of a manifest (§5.3.1)."""

    id: str
    date_added: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of objects or of a manifest.

    Attributes:
        rows: the objects, unread, or the entries.
        more: whether the server says that there is more.
        next: its cursor; "" if it gave none.
        first: when the first of them was added, as the server wrote it; "" if it did not.
        last: when the last of them was added.
    """

    rows: list[Any]
    more: bool
    next: str
    first: str
    last: str


class _Discovery(msgspec.Struct):
    api_roots: list[str] = []
    default: str = ""
    versions: list[str] | None = None
    max_content_length: int = 0


class _Collections(msgspec.Struct):
    collections: list[Collection] = []


class _Objects(msgspec.Struct):
    more: bool = False
    next: str = ""
    objects: list[msgspec.Raw] = []


class _Manifest(msgspec.Struct):
    more: bool = False
    next: str = ""
    objects: list[Entry] = []


@dataclass(frozen=True, slots=True)
class Root:
    """An API root: its URL, and how many bytes it takes at once (0: it does not say)."""

    url: str
    most_bytes: int


def find_root(transport: Transport, url: str) -> Root:
    """The API root at ``url``, which may be its own, that of the discovery, or the server's.

    Raises:
        SenselessError: there is no TAXII 2.1 there.
        RefusedError, UnreachableError: as of ``Transport.request``.
    """
    told = _look(transport, url)
    if told is None:
        url = urljoin(url, "/taxii2/")
        told = _look(transport, url)
    if told is not None and told.versions is None:
        chosen = told.default or next(iter(told.api_roots), "")
        url = transport.within(urljoin(url, chosen)) if chosen else url
        told = _look(transport, url) if chosen else None
    if told is None or told.versions is None:
        raise SenselessError("no TAXII 2.1 API root", where=url, do="Give the URL of the discovery or of the API root")
    return Root(url.rstrip("/") + "/", max(told.max_content_length, 0))


def _look(transport: Transport, url: str) -> _Discovery | None:
    """What stands at ``url``, if it is a discovery or an API root."""
    try:
        answer = transport.request("GET", url, MEDIA)
        found = _read(answer.body, _Discovery, url)
    except SenselessError:
        return None
    except RefusedError as error:
        if error.status in {401, 403}:
            raise
        return None
    return found if found.versions is not None or found.api_roots or found.default else None


class Taxii:
    """The operations of one API root.

    Args:
        transport: to its server.
        root: its URL, with a slash at the end.
    """

    def __init__(self, transport: Transport, root: str) -> None:
        self.transport, self.root = transport, root

    def collections(self) -> list[Collection]:
        """Those that the member has a right to."""
        return self._get("collections/", {}, _Collections)[0].collections

    def objects(self, collection: str, **query: str) -> Page:
        """A page of objects; the query as in §3.4 and §3.5, ``match_id`` for ``match[id]``."""
        told, headers = self._get(f"{_of(collection)}objects/", query, _Objects)
        return _page(told.objects, told.more, told.next, headers)

    def one(self, collection: str, id_: str, **query: str) -> Page:
        """A page of the versions of one object."""
        told, headers = self._get(f"{_of(collection)}objects/{quote(id_, safe='')}/", query, _Objects)
        return _page(told.objects, told.more, told.next, headers)

    def manifest(self, collection: str, **query: str) -> Page:
        """A page of the manifest."""
        told, headers = self._get(f"{_of(collection)}manifest/", query, _Manifest)
        return _page(told.objects, told.more, told.next, headers)

    def add(self, collection: str, envelope: bytes) -> Status:
        """Send an envelope; what became of it so far."""
        answer = self.transport.request("POST", f"{self.root}{_of(collection)}objects/", MEDIA, body=envelope)
        return _read(answer.body, Status, "the status")

    def status(self, id_: str) -> Status:
        """What has become of an envelope."""
        return self._get(f"status/{quote(id_, safe='')}/", {}, Status)[0]

    def delete(self, collection: str, id_: str) -> None:
        """Erase every version of an object of one's own."""
        url = f"{self.root}{_of(collection)}objects/{quote(id_, safe='')}/"
        self.transport.request("DELETE", url, MEDIA, {"match[version]": "all"})

    def _get(self, path: str, query: dict[str, str], kind: type[T]) -> tuple[T, dict[str, str]]:
        named = {_name(name): value for name, value in query.items()}
        answer = self.transport.request("GET", self.root + path, MEDIA, named)
        return _read(answer.body, kind, self.root + path), dict(answer.headers)


def _name(name: str) -> str:
    return f"match[{name.removeprefix('match_')}]" if name.startswith("match_") else name


def _of(collection: str) -> str:
    return f"collections/{quote(collection, safe='')}/"


def _page(rows: list[Any], more: bool, next_: str, headers: dict[str, str]) -> Page:
    dates = (headers.get(f"x-taxii-date-added-{end}", "") for end in ("first", "last"))
    return Page(rows, more, next_, *dates)


def _read(body: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise SenselessError(f"not what TAXII 2.1 gives there: {str(error)[:200]}", where=where) from None
