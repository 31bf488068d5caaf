"""HTTP as the member's side needs it: over TLS, bounded in bytes and time, patient, and never led elsewhere.

The one file of the member's side that imports httpx.
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import msgspec

from stillwatch.errors import MissingExtra, UsageError
from stillwatch.forum.member.errors import RefusedError, SenselessError, UnreachableError

#: An answer may be so large, and an attempt may take so long to be answered.
MOST_BYTES: Final = 128 << 20
SECONDS: Final = 120.0
#: Waits before further attempts at what may succeed later; a server's own word is believed up to the last.
WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Access:
    """How the server is reached, and as whom.

    Attributes:
        token: bearer token, or with ``user`` the password of HTTP Basic; "" for a server that knows nobody by one.
        user: name for HTTP Basic; "" for a bearer token.
        ca: CA certificates (PEM) in place of the system's.
        certificate: client certificate (PEM).
        key: its key (PEM).
        insecure: whether HTTP without TLS is taken on another host than this one.
    """

    token: str
    user: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    insecure: bool = False

    def __repr__(self) -> str:
        return f"Access(user={self.user!r})"


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its body and its headers, by names in lower case."""

    body: bytes
    headers: Mapping[str, str]


class Transport:
    """Requests to one server.

    Args:
        url: of the server; every request goes to its scheme, host and port.
        access: how it is reached.
        wait: sleeps for so many seconds.
        waits: before each further attempt, in seconds.

    Raises:
        UsageError: the URL is none, or would carry the token in the clear.
        MissingExtra: httpx is not installed.
    """

    def __init__(
        self, url: str, access: Access, wait: Callable[[float], None] = time.sleep, waits: tuple[float, ...] = WAITS
    ) -> None:
        self.origin = _origin(url, access.insecure)
        self._httpx: Any = _httpx()
        self._wait, self._waits = wait, waits
        auth = self._httpx.BasicAuth(access.user, access.token) if access.user else None
        bearer = access.token and not access.user
        headers = {"Authorization": f"Bearer {access.token}"} if bearer else {}
        self._client = self._httpx.Client(
            auth=auth, headers=headers, verify=_tls(access), timeout=SECONDS, follow_redirects=False, trust_env=False
        )

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def request(
        self,
        method: str,
        url: str,
        media: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer to a request, which is made again while it may yet succeed; a POST not once it may have arrived.

        Args:
            method: GET, POST, PUT or DELETE.
            url: absolute, or from the server's root.
            media: type of both bodies.
            query: parameters.
            body: what is sent.

        Raises:
            RefusedError: the server refused it, or leads elsewhere.
            UnreachableError: nobody answered.
            SenselessError: the answer is too large.
        """
        target = self.within(url)
        headers = {"Accept": media} | ({"Content-Type": media} if body is not None else {})
        for wait in (*self._waits, None):
            outcome = self._attempt(method, target, dict(query or {}), headers, body)
            if isinstance(outcome, Answer):
                return outcome
            if wait is None:
                raise outcome.error
            spread = random.uniform(0.5, 1.0)  # noqa: S311 - so that members do not come back all at once
            self._wait(min(max(wait * spread, outcome.after), self._waits[-1]))
        raise AssertionError("unreachable")

    def within(self, url: str) -> str:
        """``url`` made absolute.

        Raises:
            SenselessError: it is on another server, which must not be given the token.
        """
        target = urljoin(self.origin + "/", url)
        if _split(target) != self.origin:
            raise SenselessError(
                "the server refers to another one", where=target[:200], do="Join that one by its own URL"
            )
        return target

    def _attempt(
        self, method: str, url: str, query: dict[str, str], headers: dict[str, str], body: bytes | None
    ) -> "Answer | _Later":
        where = f"{method} {url}"
        try:
            with self._client.stream(method, url, params=query, headers=headers, content=body) as response:
                read = _read(response, where)
                told = {name.lower(): value for name, value in response.headers.items()}
        except self._httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            failed = UnreachableError(f"no answer: {reason}", where=where, do="Try again; nothing is lost")
            if method == "POST" and not isinstance(error, self._httpx.ConnectError):
                raise failed from None  # it may have arrived; who sent it finds out before it is sent again
            return _Later(failed, 0.0)
        if response.status_code // 100 == 2:
            return Answer(read, told)
        refusal = _refusal(response.status_code, read, told, where)
        if response.status_code not in _LATER:
            raise refusal
        return _Later(refusal, _seconds(told.get("retry-after", "")))


@dataclass(frozen=True, slots=True)
class _Later:
    """An attempt that failed and may succeed later: ``after`` so many seconds."""

    error: RefusedError | UnreachableError
    after: float


class _Failure(msgspec.Struct):
    """TAXII 2.1 §3.6.1."""

    title: str = ""
    description: str = ""


def _refusal(status: int, body: bytes, headers: Mapping[str, str], where: str) -> RefusedError:
    try:
        told = msgspec.json.decode(body, type=_Failure)
        said = (told.description or told.title)[:500]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        said = ""
    if status // 100 == 3:
        said = f"leads to {headers.get('location', 'nowhere')[:200]}"
    do = {401: "Check the token", 403: "Ask the operator for the right"}.get(status, "")
    return RefusedError(status, f"HTTP {status} {said}".strip(), where=where, do=do)


def _read(response: Any, where: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            what = f"an answer of more than {MOST_BYTES >> 20} MiB"
            raise SenselessError(what, where=where, do="Ask for a smaller --page")
        parts.append(part)
    return b"".join(parts)


def _seconds(header: str) -> float:
    return float(header) if header.isdecimal() and len(header) < 6 else 0.0


def _split(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _origin(url: str, insecure: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise UsageError("no URL of a server", where=url[:200], do="Write https://HOST:PORT/taxii2/")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not insecure:
        raise UsageError("the token would cross the network in the clear", where=url[:200], do="Use https")
    return f"{parts.scheme}://{parts.netloc}"


def _tls(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.ca)
    if access.certificate is not None:
        context.load_cert_chain(access.certificate, access.key)
    return context


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise MissingExtra("httpx", "forum") from None
    return httpx
