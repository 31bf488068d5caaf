"""Identifiers replaced by keyed hashes at the door, and text by its fingerprints.

Every identifier becomes a BLAKE2b hash (RFC 7693) of 128 bits under a key that is derived from the key file and the
domain of the field, so that equal values stay equal where they are compared, and nowhere else: an account is the same
in both tables, an address at sign-up the same as in use, a reasoning block handed out the same as one sent back. An
address becomes ``prefix.host``; two addresses of one /24 (one /48 of IPv6) share the prefix. Text is dropped once its
fingerprints are taken, under a key of their own.

What stays readable: model, pathway, times, counts, parameters, tools' names, stop reason, country, network number. A
telephone prefix that names no more than a country or a region is dropped, for no signal may use it.
"""

import hashlib
import ipaddress
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import InputError, UsageError
from stillwatch.ingest.interface import Column
from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import PHONE_BLOCK, STRINGS
from stillwatch.text import fingerprint

SHORTEST = 32  # bytes of a key file
LONGEST = 4096
_BITS = 128
_TEXT = ("system_prompt", "prompt", "response")
_ADDRESS = "address"
_NO_DIGIT = str.maketrans("", "", "+ -()./")  # as signals read a telephone prefix

#: Field -> domain. Fields that are compared with each other have the same one.
DOMAINS: dict[str, str] = {
    "request_id": "request",
    "account_id": "account",
    "organization_id": "organization",
    "credential_id": "credential",
    "session_id": "session",
    "client_ip": _ADDRESS,
    "signup_ip": _ADDRESS,
    "user_agent": "user agent",
    "tls_fingerprint": "tls",
    "header_order": "headers",
    "reasoning_issued": "reasoning",
    "reasoning_replayed": "reasoning",
    "payment_fingerprint": "payment",
    "card_bin": "card",
    "email_domain": "mail",
    "phone_prefix": "phone",
    "owner": "owner",
}


class Pseudonymiser:
    """Keyed hashes for the identifiers of a batch, fingerprints for its text."""

    def __init__(self, key: bytes) -> None:
        master = hashlib.blake2b(key, digest_size=32, person=b"stillwatch-key").digest()
        self._keys = {domain: _derive(master, domain) for domain in {*DOMAINS.values(), "prefix", "text"}}

    @classmethod
    def from_file(cls, path: Path) -> "Pseudonymiser":
        """Read the key from ``path``.

        Raises:
            UsageError: others than its owner can read it, or it is shorter than 32 bytes.
            InputError: it cannot be read.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                key = file.read(LONGEST + 1)
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError("others can read the key", where=str(path), do=f"chmod 600 {path}")
        if not SHORTEST <= len(key) <= LONGEST:
            raise UsageError(
                f"a key has {SHORTEST} to {LONGEST} bytes, this file has {len(key)}" + "+" * (len(key) > LONGEST),
                where=str(path),
                do="Make one: (umask 077; head -c 32 /dev/urandom > KEYFILE)",
            )
        return cls(key)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """``batch`` with its identifiers hashed, its text dropped and its fingerprints beside it."""
        arrays, names = [], []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name not in _TEXT:
                arrays.append(self._column(name, column) if name in DOMAINS else column)
                names.append(name)
        if any(name in batch.schema.names for name in _TEXT):
            prints = fingerprint(batch, int.from_bytes(self._keys["text"][:8], "big") | 1)
            for name, column in zip(PRINTS.names, prints.columns, strict=True):
                if name not in names:  # a log that brings its own fingerprints keeps them
                    arrays.append(column)
                    names.append(name)
        return pa.RecordBatch.from_arrays(arrays, names)

    def _column(self, name: str, column: Column) -> Column:
        domain = DOMAINS[name]
        special: dict[str, Callable[[str], str | None]] = {
            _ADDRESS: self._address,
            "phone": self._phone,
            "mail": self._mail,
        }
        hashed = special.get(domain, lambda value: self.hash(domain, value))
        if column.type != STRINGS:
            return _each(column, hashed)
        flat = _each(column.flatten(), hashed)
        lengths: Column = pc.list_value_length(column).fill_null(0)
        ends = pc.cumulative_sum(lengths).cast(pa.int32())
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
        return pa.ListArray.from_arrays(offsets, flat, mask=column.is_null())

    def hash(self, domain: str, value: str) -> str:
        """128 bits in hexadecimal."""
        return hashlib.blake2b(value.encode(), key=self._keys[domain], digest_size=_BITS // 8).hexdigest()

    def _mail(self, value: str) -> str:
        return self.hash("mail", value.strip().lower())

    def _phone(self, value: str) -> str | None:
        """A block of numbers by its digits; nothing of a prefix that names a country or a region."""
        digits = value.translate(_NO_DIGIT)
        return self.hash("phone", digits) if len(digits) >= PHONE_BLOCK else None

    def _address(self, value: str) -> str:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return f"{self.hash('prefix', value)[:16]}.{self.hash(_ADDRESS, value)[:16]}"
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        network = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
        return f"{self.hash('prefix', str(network))[:16]}.{self.hash(_ADDRESS, str(address))[:16]}"


def _derive(master: bytes, domain: str) -> bytes:
    return hashlib.blake2b(domain.encode(), key=master, digest_size=32).digest()


def _each(column: Column, function: Callable[[str], str | None]) -> Column:
    """Apply ``function`` once to each distinct text."""
    encoded = column.dictionary_encode()
    values = pa.array([function(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return values.take(encoded.indices)
