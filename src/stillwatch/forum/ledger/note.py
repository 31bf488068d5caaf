"""Signed notes (C2SP signed-note): text that one or more keys have signed, and the keys as one writes them down."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import ed25519
from stillwatch.forum.ledger.errors import LedgerError, SignatureError
from stillwatch.forum.ledger.keys import SigningKey

#: Signature types: a note by Ed25519, and a witness's timestamped cosignature (C2SP tlog-cosignature).
NOTE: Final = 0x01
COSIGNATURE: Final = 0x04
#: Bytes and signatures of a note at most.
LONGEST: Final = 64 << 10
SIGNATURES: Final = 64

_NAME = re.compile(r"[^\s+\x00-\x1f]{1,200}")
_LINE = re.compile(r"— ([^\s+]{1,200}) ([A-Za-z0-9+/]{8,8192}={0,2})")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name it signs notes by.

    Args:
        name: of the key, usually a URL without its scheme.
        public: 32 bytes of Ed25519.
        kind: ``NOTE`` or ``COSIGNATURE``.
    """

    name: str
    public: bytes
    kind: int = NOTE

    @property
    def key_hash(self) -> bytes:
        """The four bytes that its signatures begin with."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """The key as one writes it down (vkey): ``name+hash+base64(kind || public)``."""
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: the key's name, the four bytes of its hash, and what it signed with."""

    name: str
    key_hash: bytes
    raw: bytes

    def __str__(self) -> str:
        """The line, without its newline."""
        return f"— {self.name} {base64.b64encode(self.key_hash + self.raw).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A note: its text, which ends in a newline, and its signatures, not yet verified."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """The note as it is stored and sent."""
        return self.text + "\n" + "".join(f"{each}\n" for each in self.signatures)

    def by(self, verifier: Verifier) -> list[Signature]:
        """The signatures that claim to be by ``verifier``."""
        return [each for each in self.signatures if (each.name, each.key_hash) == (verifier.name, verifier.key_hash)]

    def signed_also(self, added: Iterable[Signature]) -> "Note":
        """The note with more signatures; a newer one of the same key stands in place of the older."""
        merged = {(each.name, each.key_hash): each for each in (*self.signatures, *added)}
        return Note(self.text, tuple(merged.values()))


def check_name(name: str) -> str:
    """``name``, if a key may have it.

    Raises:
        UsageError: it is empty or long, or has a space or a plus.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("a key's name is 1 to 200 characters without spaces and plus", where=repr(name[:50]))
    return name


def sign(text: str, name: str, key: SigningKey) -> Note:
    """The note of ``text``, which ends in a newline, signed by ``key`` under ``name``."""
    verifier = Verifier(check_name(name), key.public)
    return Note(text, (Signature(name, verifier.key_hash, key.sign(text.encode())),))


def verify(note: Note, verifiers: Sequence[Verifier]) -> list[Verifier]:
    """Who of ``verifiers``, all of kind ``NOTE``, signed the note.

    Raises:
        SignatureError: none did, or a signature that claims to be by one is wrong.
    """
    found = []
    for verifier in verifiers:
        for each in note.by(verifier):
            if not ed25519.good(verifier.public, each.raw, note.text.encode()):
                raise SignatureError("the note's signature is wrong", where=verifier.name)
            if verifier not in found:
                found.append(verifier)
    if not found:
        names = ", ".join(each.name for each in verifiers) or "nobody"
        raise SignatureError(f"the note is not signed by {names}", do="Check the public key that you trust")
    return found


def parse(raw: str) -> Note:
    """Read a note.

    Raises:
        LedgerError: it is none.
    """
    text, separator, lines = raw.rpartition("\n\n")
    try:
        size = len(raw.encode())
    except UnicodeEncodeError:
        size = LONGEST + 1
    if size > LONGEST or not separator or any(each < " " and each != "\n" for each in raw):
        raise LedgerError("is no signed note")
    return Note(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, at least one, each ending in a newline.

    Raises:
        LedgerError: there are none, too many, or something else.
    """
    split = lines.split("\n")
    if split.pop() or not 0 < len(split) <= SIGNATURES:
        raise LedgerError(f"a note has 1 to {SIGNATURES} lines of signatures")
    return tuple(_signature(line) for line in split)


def _signature(line: str) -> Signature:
    matched = _LINE.fullmatch(line)
    try:
        raw = base64.b64decode(matched[2], validate=True) if matched else b""
    except ValueError:  # binascii.Error is one
        raw = b""
    if matched is None or len(raw) < 5:
        raise LedgerError("is no line of a signature", where=repr(line[:80]))
    return Signature(matched[1], raw[:4], raw[4:])


def parse_verifier(written: str) -> Verifier:
    """Read a public key as ``Verifier`` writes it.

    Raises:
        UsageError: it is none, or its hash does not belong to it.
    """
    name, _, rest = written.strip().partition("+")
    stated, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:  # binascii.Error is one
        raw = b""
    if len(raw) != 1 + ed25519.PUBLIC or raw[0] not in (NOTE, COSIGNATURE):
        raise UsageError("is no public key", where=repr(written[:80]), do="Write NAME+HASH+KEY, as keygen prints it")
    found = Verifier(check_name(name), raw[1:], raw[0])
    if stated != found.key_hash.hex():
        raise UsageError("the key's hash does not belong to it", where=name, do="Copy the key again, whole")
    return found
