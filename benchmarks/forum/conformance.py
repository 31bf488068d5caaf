# ruff: noqa: S101 - a check asserts
"""What TAXII 2.1 demands of a server, demand by demand, asked over HTTP of ours and of the peers.

Every check is written from the standard (OASIS, 10 June 2021), whose section it names; it gets a collection that holds
the ``Sample`` and raises ``AssertionError`` where the server does otherwise.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx

from benchmarks.forum.objects import Author, Object
from benchmarks.forum.throughput import MEDIA
from benchmarks.peers.server import Served

Check = Callable[["Sample"], None]
CHECKS: list[tuple[str, str, Check]] = []
_LAST = "2026-11-21T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of one check: why it failed, or "" if it did not."""

    server: str
    section: str
    demand: str
    failure: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A collection in which there are twelve indicators, the first of them in two versions.

    Attributes:
        client: that is somebody with every right.
        url: of the collection.
        objects: first versions, in the order in which they were sent, each in a request of its own.
        status: what the server answered to the last request.
        later: makes a later version of an object.
    """

    client: httpx.Client
    url: str
    objects: list[Object]
    status: httpx.Response
    later: Callable[[Object, str], Object]

    def get(self, path: str, **query: str) -> httpx.Response:
        """Of the collection; ``match_id`` is ``match[id]``."""
        named = {f"match[{n.removeprefix('match_')}]" if n.startswith("match_") else n: v for n, v in query.items()}
        return self.client.get(self.url + path, params=named)

    def ids(self, **query: str) -> list[str]:
        """Of the objects that the server gives."""
        answer = self.get("objects/", **query)
        assert answer.status_code == 200, f"status {answer.status_code}"
        return [each["id"] for each in answer.json().get("objects", [])]

    def post(self, *objects: Object) -> httpx.Response:
        """Submit them."""
        return self.client.post(self.url + "objects/", content=json.dumps({"objects": objects}))

    @property
    def root(self) -> str:
        """URL of the API root."""
        return urljoin(self.url, "../../")


def demand(section: str, text: str) -> Callable[[Check], Check]:
    """Mark a check with the section and what it demands."""

    def mark(check: Check) -> Check:
        CHECKS.append((section, text, check))
        return check

    return mark


def conformance(server: Served, author: Author) -> Iterator[Found]:
    """Every check of ``CHECKS`` on a server that is empty, and takes what ``author`` makes."""
    headers = {"Accept": MEDIA, "Content-Type": MEDIA}
    with httpx.Client(auth=(server.user, server.password), headers=headers, timeout=60) as client:
        objects = author.objects(12)
        for each in (*objects, author.later(objects[0], _LAST)):
            status = client.post(f"{server.collection}objects/", content=json.dumps({"objects": [each]}))
        sample = Sample(client, server.collection, objects, status, author.later)
        for section, text, check in CHECKS:
            yield Found(server.name, section, text, _failure(check, sample))


def _failure(check: Check, sample: Sample) -> str:
    try:
        check(sample)
    except AssertionError as error:
        return str(error) or "it is not so"
    except Exception as error:  # an answer that cannot be read is a failure too
        return f"{type(error).__name__}: {error}"[:120]
    return ""


def _moments(written: Iterable[str]) -> list[datetime]:
    """Times, however many digits their seconds have."""
    return sorted(map(datetime.fromisoformat, written))


def _status(answer: httpx.Response, *allowed: int) -> None:
    assert answer.status_code in allowed, f"status {answer.status_code}"


def _same(found: Any, wanted: Any) -> None:
    assert found == wanted, f"{str(found)[:40]} for {str(wanted)[:40]}"


@demand("1.6.8", "answers are of the media type of TAXII 2.1")
def _media(it: Sample) -> None:
    for url in (urljoin(it.url, "/taxii2/"), it.root, it.url, f"{it.url}objects/", f"{it.url}manifest/"):
        told = it.client.get(url).headers["content-type"].replace(" ", "")
        assert told.startswith(MEDIA), f"{told} at {url.rpartition('/')[0][-20:]}"


@demand("1.6.8", "406 to whoever accepts no such media type")
def _accept(it: Sample) -> None:
    _status(it.client.get(it.url, headers={"Accept": "application/xml"}), 406)


@demand("5.5", "415 to content of another type")
def _content_type(it: Sample) -> None:
    _status(it.client.post(f"{it.url}objects/", content=b"{}", headers={"Content-Type": "text/plain"}), 415)


@demand("1.6.9", "401 with WWW-Authenticate to whoever does not say who they are")
def _unauthorised(it: Sample) -> None:
    answer = httpx.get(f"{it.url}objects/", headers={"Accept": MEDIA, "Authorization": "Basic eDp5"})
    _status(answer, 401)
    assert "www-authenticate" in answer.headers, "no WWW-Authenticate"


@demand("3.6.1", "an error is told as an error message with a title")
def _error(it: Sample) -> None:
    answer = it.client.get(urljoin(it.url, f"../{uuid4()}/objects/"))
    assert answer.json().get("title"), "no title"


@demand("4.1", "discovery has a title and the API roots")
def _discovery(it: Sample) -> None:
    told = it.client.get(urljoin(it.url, "/taxii2/")).json()
    assert told["title"], "no title"
    assert any(urljoin(it.url, root).rstrip("/") == it.root.rstrip("/") for root in told["api_roots"]), "not this root"


@demand("4.2", "the API root has a title, its versions and a size")
def _root(it: Sample) -> None:
    told = it.client.get(it.root).json()
    assert told["title"], "no title"
    assert MEDIA in told["versions"], "no version 2.1"
    assert told["max_content_length"] > 0, "no size"


@demand("4.2", "404 for an API root that is none")
def _no_root(it: Sample) -> None:
    _status(it.client.get(urljoin(it.root, f"../{uuid4()}/")), 404)


@demand("4.3", "the status of a submission has what became of it")
def _submission(it: Sample) -> None:
    _status(it.status, 202)
    told = it.status.json()
    _same([told[name] for name in ("total_count", "success_count", "failure_count", "pending_count")], [1, 1, 0, 0])
    _same(told["status"], "complete")
    assert told["id"], "no id"
    assert told["request_timestamp"].endswith("Z"), "no time"


@demand("4.3", "the status can be asked for again; 404 for one that is none")
def _status_again(it: Sample) -> None:
    again = it.client.get(urljoin(it.root, f"status/{it.status.json()['id']}/"))
    _same(again.json()["success_count"], 1)
    _status(it.client.get(urljoin(it.root, f"status/{uuid4()}/")), 404)


@demand("5.1", "collections have id, title, can_read and can_write")
def _collections(it: Sample) -> None:
    for each in it.client.get(urljoin(it.url, "../")).json()["collections"]:
        assert {"id", "title", "can_read", "can_write"} <= each.keys(), f"only {sorted(each)}"


@demand("5.2", "404 for a collection that is none")
def _no_collection(it: Sample) -> None:
    for path in ("", "objects/", "manifest/"):
        _status(it.client.get(urljoin(it.url, f"../{uuid4()}/{path}")), 404)


@demand("5.4", "an object is given as it was submitted")
def _unchanged(it: Sample) -> None:
    wanted = it.objects[3]
    found = it.get("objects/", match_id=wanted["id"]).json()["objects"][0]
    changed = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    assert not changed, f"{', '.join(changed)} changed"


@demand("3.4", "objects come in the order of date_added, the latest version of each")
def _order(it: Sample) -> None:
    _same(it.ids(), [*(each["id"] for each in it.objects[1:]), it.objects[0]["id"]])


@demand("3.2", "X-TAXII-Date-Added-First and -Last say when the first and last object was added")
def _dates(it: Sample) -> None:
    dates = [each["date_added"] for each in it.get("manifest/", limit="5").json()["objects"]]
    for path in ("objects/", "manifest/"):
        headers = it.get(path, limit="5").headers
        told = [headers.get(f"X-TAXII-Date-Added-{which}") for which in ("First", "Last")]
        _same(told, [dates[0], dates[-1]])


@demand("3.4", "limit, more and next lead through everything once")
def _paging(it: Sample) -> None:
    for path in ("objects/", "manifest/"):
        ids, query = [], {"limit": "5"}
        for _ in range(10):
            page = it.get(path, **query).json()
            assert len(page.get("objects", [])) <= 5, "more than asked for"
            ids += [each["id"] for each in page.get("objects", [])]
            if not page.get("more"):
                break
            query["next"] = page["next"]
        _same(sorted(ids), sorted(each["id"] for each in it.objects))


@demand("3.4", "400 for a limit that is no positive number")
def _limit(it: Sample) -> None:
    for limit in ("0", "-1", "many"):
        _status(it.get("objects/", limit=limit), 400)


@demand("3.4", "400 for a next that the server did not give")
def _next(it: Sample) -> None:
    _status(it.get("objects/", next="x", limit="5"), 400)


@demand("3.4", "added_after leaves out what was added at or before that time")
def _added_after(it: Sample) -> None:
    listed = it.get("manifest/").json()["objects"]
    _same(it.ids(added_after=listed[6]["date_added"]), [each["id"] for each in listed[7:]])
    _same(it.ids(added_after=listed[-1]["date_added"]), [])


@demand("3.4", "400 for an added_after that is no time")
def _no_time(it: Sample) -> None:
    _status(it.get("objects/", added_after="yesterday"), 400)


@demand("3.5", "match[id] takes several, parted by commas")
def _match_id(it: Sample) -> None:
    wanted = [each["id"] for each in it.objects[4:7]]
    _same(sorted(it.ids(match_id=",".join(wanted))), sorted(wanted))


@demand("3.5", "match[type] and match[spec_version] select")
def _match_type(it: Sample) -> None:
    _same(len(it.ids(match_type="indicator")), 12)
    _same(it.ids(match_type="malware,tool"), [])
    _same(len(it.ids(match_spec_version="2.1")), 12)
    _same(it.ids(match_spec_version="2.0"), [])


@demand("3.5", "match[version] knows first, last, all and a time")
def _match_version(it: Sample) -> None:
    one, first, last = it.objects[0]["id"], it.objects[0]["modified"], _LAST
    for version, wanted in (("first", [first]), ("last", [last]), ("all", [first, last]), (first, [first])):
        found = it.get("objects/", match_id=one, match_version=version).json().get("objects", [])
        _same(_moments(each["modified"] for each in found), _moments(wanted))


@demand("3.5", "match[version] selects in the manifest and among versions of one object too")
def _match_version_elsewhere(it: Sample) -> None:
    one, first, last = it.objects[0]["id"], it.objects[0]["modified"], _LAST
    for version, wanted in (("first", [first]), ("last", [last]), ("all", [first, last]), (first, [first])):
        listed = it.get("manifest/", match_id=one, match_version=version).json().get("objects", [])
        _same(_moments(each["version"] for each in listed), _moments(wanted))
        found = it.get(f"objects/{one}/", match_version=version).json().get("objects", [])
        _same(_moments(each["modified"] for each in found), _moments(wanted))


@demand("3.4", "the versions of one object come in pages too")
def _paged_versions(it: Sample) -> None:
    one = it.objects[0]["id"]
    for path, query in ((f"objects/{one}/versions/", {}), (f"objects/{one}/", {"match_version": "all"})):
        first = it.get(path, limit="1", **query).json()
        assert first["more"], "no more"
        second = it.get(path, limit="1", next=first["next"], **query).json()
        assert not second["more"], "more than two"
        name = "versions" if "versions" in first else "objects"
        _same([len(first[name]), len(second[name])], [1, 1])
        assert first[name] != second[name], "the same again"


@demand("3.4", "an object that was added before added_after is an empty envelope")
def _nothing_after(it: Sample) -> None:
    for path in (f"objects/{it.objects[0]['id']}/", f"objects/{it.objects[0]['id']}/versions/"):
        answer = it.get(path, added_after="2200-01-01T00:00:00.000Z")
        _status(answer, 200)
        told = answer.json()
        assert not told.get("more") and not told.get("objects") and not told.get("versions"), f"told {told}"


@demand("3.4", "400 for a next with another question than it was given for, as medallion has it")
def _another_question(it: Sample) -> None:
    page = it.get("objects/", limit="2", match_version="all").json()
    _status(it.get("objects/", limit="2", match_version="first", next=page["next"]), 400)


@demand("5.3", "a manifest entry has id, date_added, version and media_type")
def _manifest(it: Sample) -> None:
    found = it.get("manifest/", match_id=it.objects[0]["id"], match_version="all").json()["objects"]
    _same(_moments(each["version"] for each in found), _moments([it.objects[0]["modified"], _LAST]))
    assert all(each["media_type"].startswith("application/stix+json") for each in found), "no media type"


@demand("5.6", "one object, its latest version; 404 for one that is none")
def _object(it: Sample) -> None:
    _same(it.get(f"objects/{it.objects[0]['id']}/").json()["objects"][0]["modified"], _LAST)
    _status(it.get(f"objects/indicator--{uuid4()}/"), 404)


@demand("5.8", "the versions of an object; 404 for one that is none")
def _versions(it: Sample) -> None:
    found = it.get(f"objects/{it.objects[0]['id']}/versions/").json()["versions"]
    _same(_moments(found), _moments([it.objects[0]["modified"], _LAST]))
    _status(it.get(f"objects/indicator--{uuid4()}/versions/"), 404)


@demand("5.5", "an object that is submitted again is there once")
def _again(it: Sample) -> None:
    _status(it.post(it.objects[5]), 202)
    _same(len(it.get("objects/", match_id=it.objects[5]["id"], match_version="all").json()["objects"]), 1)


@demand("5.5", "400 or 422 for what is no envelope")
def _no_envelope(it: Sample) -> None:
    for body in (b"{", b"[]", b'{"objects": 1}'):
        _status(it.client.post(f"{it.url}objects/", content=body), 400, 422)


@demand("5.7", "the first, the last and every version can be deleted")
def _delete_some(it: Sample) -> None:
    made = [it.later(it.objects[2], f"2026-11-20T0{hour}:00:00.000Z") for hour in (1, 2, 3)]
    _same(it.post(*made).json()["success_count"], 3)
    url, moments = (
        f"{it.url}objects/{it.objects[2]['id']}/",
        [it.objects[2]["modified"], *(v["modified"] for v in made)],
    )
    for version, left in (("first", moments[1:]), ("last", moments[1:-1])):
        _status(it.client.delete(url, params={"match[version]": version}), 200)
        _same(_moments(it.client.get(f"{url}versions/").json()["versions"]), _moments(left))
    _status(it.client.delete(url, params={"match[version]": "all"}), 200)
    _status(it.client.get(f"{url}versions/"), 404)


@demand("5.7", "a deleted version is gone, and a deleted object is 404")
def _delete(it: Sample) -> None:
    url = f"{it.url}objects/{it.objects[0]['id']}/"
    _status(it.client.delete(url, params={"match[version]": it.objects[0]["modified"]}), 200)
    found = it.get("objects/", match_id=it.objects[0]["id"], match_version="all").json().get("objects", [])
    assert len(found) == 1, "still there"
    url = f"{it.url}objects/{it.objects[1]['id']}/"
    _status(it.client.delete(url), 200)
    _status(it.client.get(url), 404)
    assert it.objects[1]["id"] not in it.ids(), "still listed"
