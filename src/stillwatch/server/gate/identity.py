"""Who sends a request: the account behind its credential, and what its client shows.

The account comes from a header that a gateway in front sets (``--account-header``), or else from a file of keys, by the
SHA-256 of the credential; a key that is in no file is an account of its own. No credential is kept or logged. A header
that says who somebody is must be there once: two of them, or two different credentials, could be read differently by
the server behind, and are refused.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from stillwatch.errors import InputError
from stillwatch.server.gate.refusal import Headers, Refused

_Id = Annotated[str, Meta(min_length=1, max_length=300)]
CREDENTIALS: Final = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})
#: Headers that may be there once; a second one would be a way to be read twice.
_SINGLE: Final = frozenset(
    {
        b"host", b"content-length", b"content-type", b"content-encoding", b"transfer-encoding", b"user-agent",
        *CREDENTIALS,
    }
)  # fmt: skip
#: Headers by which some servers take a request for one of another method or path.
_TURNING: Final = frozenset(
    {b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url"}
)
_NOT_ORDERED: Final = frozenset({b"cookie", b"referer"})
_NONE: Final[frozenset[bytes]] = frozenset()
#: Credentials whose scheme is followed by one word (RFC 6750, section 2.1; RFC 7617, section 2).
_SCHEMES: Final = frozenset({b"bearer", b"basic"})
#: No tab and no byte beyond ASCII, which some servers take for a space.
_PLAIN: Final = re.compile(rb"[ -~]*")
LARGEST: Final = 256 * 1024 * 1024


class KeyRow(Struct, frozen=True):
    """A line of the file of keys: ``credential`` is the SHA-256 of the key in hexadecimal."""

    credential: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    account_id: _Id
    organization_id: str | None = None
    tier: str = ""


class Who(Struct, frozen=True):
    """The sender of a request."""

    account_id: str
    organization_id: str | None
    tier: str
    credential_id: str | None
    client_ip: str | None
    user_agent: str | None
    tls_fingerprint: str | None
    header_order: str


@dataclass(frozen=True)
class Trust:
    """Headers, in lower case, that something in front of the gate sets and nobody else can; b"" for none.

    ``keys`` is by the SHA-256 of a credential.
    """

    account: bytes = b""
    tier: bytes = b""
    organization: bytes = b""
    address: bytes = b""
    tls: bytes = b""
    keys: Mapping[str, KeyRow] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[bytes]:
        """The headers."""
        return frozenset(name for name in (self.account, self.tier, self.organization, self.address, self.tls) if name)

    @cached_property
    def single(self) -> frozenset[bytes]:
        """Headers that may be there once."""
        return _SINGLE | self.names


def read_keys(path: Path) -> dict[str, KeyRow]:
    """The file of keys: one JSON object a line.

    Raises:
        InputError: it cannot be read, or has a key twice.
    """
    if path.stat().st_size > LARGEST:
        raise InputError(f"more than {LARGEST >> 20} MiB", where=str(path))
    found: dict[str, KeyRow] = {}
    decoder = msgspec.json.Decoder(KeyRow)
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise InputError(str(error), where=f"{path}, line {number}") from None
        if found.setdefault(row.credential, row) is not row:
            raise InputError("a credential that is there already", where=f"{path}, line {number}")
    return found


def who(scope: Mapping[str, Any], trust: Trust) -> Who:
    """The sender of the request of an ASGI ``scope``.

    Raises:
        Refused: a header that says who somebody is is there twice, or can be read in two ways, or the account is not
            said.
    """
    headers: Headers = scope["headers"]
    single = trust.single
    given: dict[bytes, bytes] = {}
    for name, value in headers:
        if b"_" in name:
            raise Refused(400, "malformed", "A header's name has an underscore, which some servers take for a hyphen.")
        if name in _TURNING:
            raise Refused(400, "ambiguous_path", "A header asks for another method or path.")
        if name in single and name in given:
            raise Refused(400, "repeated_header", f"The header {name.decode('latin-1')} is there twice.")
        given[name] = value
    credential = _credential(given)
    named = hashlib.sha256(credential).hexdigest() if credential else None
    row = trust.keys.get(named or "")
    account, tier, organization = _account(given, trust, row, named)
    client = scope.get("client")
    address = _text(given.get(trust.address)) if trust.address else client[0] if client else None
    return Who(
        account, organization, tier, named[:32] if named else None, address, _text(given.get(b"user-agent")),
        _text(given.get(trust.tls)) if trust.tls else None, header_order(str(scope["method"]), scope, headers),
    )  # fmt: skip


def _account(
    given: Mapping[bytes, bytes], trust: Trust, row: KeyRow | None, named: str | None
) -> tuple[str, str, str | None]:
    """Account, tier and organisation."""
    if trust.account:
        account = _text(given.get(trust.account))
        if not account:
            raise Refused(401, "no_account", "The request names no account.")
        return account, _text(given.get(trust.tier)) or "", _text(given.get(trust.organization))
    if row:
        return row.account_id, row.tier, row.organization_id
    return (f"key-{named[:32]}" if named else "anonymous"), "", None


def _credential(given: Mapping[bytes, bytes]) -> bytes:
    """The credential, without its scheme.

    Raises:
        Refused: there are two different ones, or one in which servers could see different keys.
    """
    there = [name for name in CREDENTIALS if name in given]
    if not there:
        return b""
    found = {_bare(given[name]) for name in there} - {b""}
    if len(found) > 1:
        raise Refused(400, "two_credentials", "The request has two different credentials.")
    return found.pop() if found else b""


def _bare(value: bytes) -> bytes:
    if not _PLAIN.fullmatch(value):
        raise _twofold()
    scheme, _, rest = value.strip().partition(b" ")
    if scheme.lower() not in _SCHEMES:
        return value.strip()
    rest = rest.strip()
    if b" " in rest or b"," in rest:
        raise _twofold()
    return rest


def _twofold() -> Refused:
    return Refused(400, "ambiguous_credential", "The credential can be read in more than one way.")


def _text(value: bytes | None) -> str | None:
    if not value:
        return None
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def header_order(method: str, scope: Mapping[str, Any], headers: Headers) -> str:
    """A fingerprint of the headers' names and order, of the form of JA4H's first two parts (FoxIO, JA4+ 2023).

    Names are folded to lower case, as ASGI gives them, so it meets only fingerprints that a gate took.
    """
    names = tuple([name for name, _ in headers if name not in _NOT_ORDERED])
    others = {name for name, _ in headers} & _NOT_ORDERED if len(names) < len(headers) else _NONE
    language = b""
    if b"accept-language" in names:
        language = next(value for name, value in headers if name == b"accept-language")
    return _ordered(
        method, str(scope.get("http_version", "1.1")), b"cookie" in others, b"referer" in others, language[:64], names
    )


@lru_cache(maxsize=512)
def _ordered(method: str, version: str, cookie: bool, referer: bool, language: bytes, names: tuple[bytes, ...]) -> str:
    """The fingerprint; clients of one kind have one, so it is made once for all of them."""
    letters = "".join(chr(byte) for byte in language.lower() if 97 <= byte <= 122)[:4].ljust(4, "0")
    number = version.replace(".", "")[:2].ljust(2, "0")
    kept = f"{'c' if cookie else 'n'}{'r' if referer else 'n'}{min(len(names), 99):02d}{letters}"
    return f"{method[:2].lower()}{number}{kept}_{hashlib.sha256(b','.join(names)).hexdigest()[:12]}"
