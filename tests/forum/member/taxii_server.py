"""A small TAXII 2.1 server over HTTP with the faults that real ones have, one by one or together."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MEDIA = "application/taxii+json;version=2.1"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
TOKEN = "a-token"


def indicator(number: int, modified: str = "2026-01-01T00:00:00.000Z", **more: Any) -> dict[str, Any]:
    """An indicator with an id made from a number."""
    id_ = f"indicator--{uuid.UUID(int=number | 4 << 76 | 8 << 60)}"
    return {
        "type": "indicator", "spec_version": "2.1", "id": id_, "created": "2026-01-01T00:00:00.000Z",
        "modified": modified, "pattern": f"[ipv4-addr:value = '198.51.100.{number % 256}']", "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z", **more,
    }  # fmt: skip


def second(number: int) -> str:
    """A ``date_added`` so many seconds after another."""
    return f"2026-02-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000000Z"


@dataclass
class Faults:
    """What is wrong with the server."""

    cursors: bool = True  # whether it gives ``next``
    dates: bool = True  # whether it gives the headers
    cap: int = 10_000  # most objects on a page
    silent_cap: bool = False  # a page cut short by the cap says that there is no more
    forget: int = 0  # each so many requests, all cursors are forgotten
    circles: bool = False  # after the second page its cursor leads back to the first
    repeat: int = 0  # objects of the page before that each page repeats
    busy: int = 0  # each so many requests, 503
    drop_answers: int = 0  # so many POSTs are stored and never answered
    versions: bool = True  # whether an object sent twice is known by its version
    lists: bool = True  # whether a status names objects
    pending: int = 0  # statuses that say pending before complete


@dataclass
class Server:
    """What it has: (date_added, object), in order, and what was asked of it."""

    faults: Faults = field(default_factory=Faults)
    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    clock: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""

    def add(self, *objects: dict[str, Any], at: str = "") -> None:
        """Put objects on one ``date_added``."""
        self.clock += 1
        self.rows += [(at or second(self.clock), each) for each in objects]

    def page(self, query: dict[str, str], whole: bool) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Answer a question for objects or a manifest."""
        faults, wanted = self.faults, self._wanted(query)
        start = 0
        if "next" in query:
            if query["next"] not in self.cursors:
                return 400, {"title": "no such cursor"}, {}
            start = self.cursors[query["next"]]
        size = min(int(query.get("limit", 10**9)), faults.cap)
        rows = wanted[max(start - faults.repeat, 0) : start + size]
        more = start + size < len(wanted) and not faults.silent_cap
        told: dict[str, Any] = {"more": more}
        if more and faults.cursors:
            following = start + size
            if faults.circles and start >= size:
                following = 0
            told["next"] = f"c{following}.{len(self.cursors)}" if not faults.circles else f"c{following}"
            self.cursors[told["next"]] = following
        if rows:
            told["objects"] = [each if whole else _entry(at, each) for at, each in rows]
        dates = {"X-TAXII-Date-Added-First": rows[0][0], "X-TAXII-Date-Added-Last": rows[-1][0]} if rows else {}
        return 200, told, dates if faults.dates else {}

    def _wanted(self, query: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
        found = [row for row in self.rows if row[0] > query.get("added_after", "")]
        if "match[id]" in query:
            found = [row for row in found if row[1]["id"] in query["match[id]"].split(",")]
        return sorted(found, key=lambda row: row[0])

    def take(self, objects: list[dict[str, Any]]) -> dict[str, Any]:
        """Store an envelope; its status."""
        self.posts.append(objects)
        known = {(each["id"], each.get("modified")) for _, each in self.rows}
        new = [each for each in objects if not self.faults.versions or (each["id"], each.get("modified")) not in known]
        self.add(*new)
        id_ = str(uuid.uuid4())
        details = [{"id": each["id"], "version": each.get("modified", "")} for each in objects]
        status = {"id": id_, "status": "complete", "total_count": len(objects), "success_count": len(objects),
                  "failure_count": 0, "pending_count": 0}  # fmt: skip
        self.statuses[id_] = status | ({"successes": details} if self.faults.lists else {})
        return self.status(id_)

    def status(self, id_: str) -> dict[str, Any]:
        """The status, pending as long as the faults say."""
        if self.faults.pending:
            self.faults.pending -= 1
            return {"id": id_, "status": "pending", "total_count": 1, "success_count": 0, "failure_count": 0,
                    "pending_count": 1}  # fmt: skip
        return self.statuses[id_]


def _entry(at: str, each: dict[str, Any]) -> dict[str, str]:
    version = each.get("modified", each.get("created", at))
    return {"id": each["id"], "date_added": at, "version": version, "media_type": "application/stix+json;version=2.1"}


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one branch a path
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            with server.lock:
                self._answer(*self._get())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with server.lock:
                server.asked.append(self.path)
                if self._busy():
                    return self._answer(503, {"title": "busy"}, {})
                status = server.take(json.loads(body)["objects"])
                if server.faults.drop_answers:
                    server.faults.drop_answers -= 1
                    self.close_connection = True
                    self.connection.close()
                    return None
                return self._answer(202, status, {})

        def _busy(self) -> bool:
            return bool(server.faults.busy) and len(server.asked) % server.faults.busy == 0

        def _get(self) -> tuple[int, dict[str, Any], dict[str, str]]:
            parts = urlsplit(self.path)
            server.asked.append(self.path)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return 401, {"title": "who?"}, {}
            if self._busy():
                return 503, {"title": "busy"}, {}
            if server.faults.forget and len(server.asked) % server.faults.forget == 0:
                server.cursors.clear()
            query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
            path = [unquote(part) for part in parts.path.strip("/").split("/")]
            if path == ["taxii2"]:
                return 200, {"title": "t", "default": "/api/", "api_roots": ["/api/"]}, {}
            if path == ["api"]:
                return 200, {"title": "r", "versions": [MEDIA], "max_content_length": 100_000}, {}
            if path == ["api", "collections"]:
                one = {"id": COLLECTION, "title": "C", "can_read": True, "can_write": True}
                return 200, {"collections": [one]}, {}
            if path[:2] == ["api", "status"]:
                return 200, server.status(path[2]), {}
            if path[:3] == ["api", "collections", COLLECTION]:
                if len(path) == 5:
                    query["match[id]"] = path[4]
                return server.page(query, path[3] == "objects")
            return 404, {"title": "nothing here"}, {}

        def _answer(self, status: int, told: dict[str, Any], headers: dict[str, str]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", MEDIA)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def serving(faults: Faults | None = None) -> Iterator[Server]:
    """The server, running."""
    server = Server(faults or Faults())
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{http.server_port}/taxii2/"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
