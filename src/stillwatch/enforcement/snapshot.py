"""The snapshot that decisions read: one immutable file, mapped into memory, swapped whole.

Four Arrow tables one after the other (IPC streaming format): verdicts, keys of indicators, indicators, and facts
(authorised programmes and ownership). Verdicts and keys are sorted by 64-bit hashes, so a look-up is a binary search in
mapped memory, whatever the number of rows: nothing is parsed when a gate starts or takes a new snapshot, and the gates
of one machine share the pages. A hash only finds the row; the account's name in the row has to be the one asked for.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.enforcement.interface import Indicator, Measure, Request, Verdict
from stillwatch.errors import InputError
from stillwatch.text.jit import compiled

VERDICTS: Final = pa.schema(
    [
        ("key", pa.uint64()), ("account_id", pa.string()), ("campaign_id", pa.string()), ("q_value", pa.float64()),
        ("score", pa.float64()), ("origin", pa.string()), ("confirmed", pa.bool_()), ("onset", pa.int64()),
        ("affirmed", pa.int64()), ("granted", pa.int8()), ("measure_id", pa.string()),
    ]
)  # fmt: skip
#: ``place`` is the row of INDICATORS; several keys may have one place and one key several places.
KEYS: Final = pa.schema([("key", pa.uint64()), ("place", pa.int64())])
#: ``needed``: how many of its keys a request has to show.
INDICATORS: Final = pa.schema(
    [
        ("id", pa.string()), ("campaign", pa.string()), ("kind", pa.string()), ("needed", pa.int64()),
        ("valid_from", pa.int64()), ("valid_until", pa.int64()),
    ]
)  # fmt: skip
#: ``about``: ``account`` or ``organization`` (a programme, until ``value``), ``unmet``, ``unknown`` or ``met`` (of the
#: ownership rule ``name``).
FACTS: Final = pa.schema(
    [
        ("key", pa.uint64()), ("subject", pa.string()), ("about", pa.string()), ("name", pa.string()),
        ("value", pa.int64()),
    ]
)  # fmt: skip
_TABLES: Final = (VERDICTS, KEYS, INDICATORS, FACTS)
_ANCHOR: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1
_NUL: Final = "\0"
#: Characters of an address at most, with its zone.
_ADDRESS: Final = 64
#: Indicators' keys that one request meets, mostly.
_ROOM: Final = 64
_CLIENT: Final = ("user_agent", "tls_fingerprint", "header_order")


def key_of(kind: str, value: str) -> int:
    """The 64-bit key (BLAKE2b, RFC 7693) of a value of a kind."""
    return int.from_bytes(blake2b(f"{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def anchor_key(anchor: int) -> int:
    """The key of a template's anchor, which is a hash already."""
    return (anchor & _MASK) ^ _ANCHOR


def network_key(version: int, length: int, number: int) -> int:
    """The key of an address range; ``number`` is the network's address."""
    return key_of("range", f"{version}/{length}/{number:x}")


def client_key(shown: Mapping[str, str]) -> int:
    """The key of what client software shows of itself, by the names that ``Request`` has."""
    return key_of("client", _NUL.join(f"{name}={shown[name]}" for name in _CLIENT if name in shown))


class Snapshot:
    """What a gate knows at one moment.

    Args:
        tables: record batches of the four schemas above.
        made: when, in microseconds since the epoch.
        policy: digest of the policy it was planned by.
        shapes: what indicators of addresses and clients look at: ``4/24``, ``user_agent+tls_fingerprint``.

    Raises:
        InputError: the tables are not sorted as they have to be.
    """

    def __init__(self, tables: Sequence[pa.RecordBatch], made: int, policy: str, shapes: Iterable[str] = ()) -> None:
        self.made, self.policy = made, policy
        self._verdicts, _, self._indicators, self._facts = tables
        self._keys = _numbers(tables[1], "key")
        self._places = np.asarray(tables[1].column("place"), np.int64)
        accounts, subjects = _numbers(tables[0], "key"), _numbers(tables[3], "key")
        if any(np.any(keys[1:] < keys[:-1]) for keys in (accounts, self._keys, subjects)):
            raise InputError("a snapshot whose rows are out of order", do="Publish it anew.")
        self._accounts, self._subjects = accounts.data, subjects.data
        shapes = sorted(shapes)
        self._lengths = {v: tuple(int(s[2:]) for s in shapes if s.startswith(f"{v}/")) for v in (4, 6)}
        self._clients = [s.split("+") for s in shapes if s[0] not in "46"]
        self.verdicts, self.indicators = tables[0].num_rows, tables[2].num_rows
        self.anchored = "anchor" in self._kinds()
        #: Ownership rules that it tells of; whoever is in none of their facts is a customer of whom nothing is known.
        self.rules = _rules(self._facts)

    def verdict(self, account: str) -> Verdict | None:
        """What stands against ``account``."""
        batch = self._verdicts
        for row in _rows(self._accounts, key_of("account", account)):
            if batch.column(1)[row].as_py() == account:
                values = [batch.column(place)[row].as_py() for place in range(1, len(VERDICTS))]
                values[8] = Measure(values[8])
                return Verdict(*values)
        return None

    def all_verdicts(self) -> Iterator[Verdict]:
        """Every verdict, in the order of the keys."""
        for row in self._verdicts.drop_columns(["key"]).to_pylist():
            yield Verdict(**{**row, "granted": Measure(row["granted"])})

    def facts(self, request: Request) -> list[tuple[str, str, int]]:
        """(about, name, value) of the request's account and organisation."""
        if not len(self._subjects):
            return []
        asked = [("account", request.account_id)]
        if request.organization_id:
            asked.append(("organization", request.organization_id))
        found = []
        for kind, subject in asked:
            for row in _rows(self._subjects, key_of(kind, subject)):
                if self._facts.column(1)[row].as_py() == subject:
                    found.append(tuple(self._facts.column(place)[row].as_py() for place in (2, 3, 4)))
        return found

    def matches(self, request: Request) -> list[Indicator]:
        """The indicators that are true of ``request``, whether or not they are still valid."""
        if not len(self._keys):
            return []
        asked = np.array(list(self._asked(request)), np.uint64)
        found = np.empty(_ROOM, np.int64)
        met = _met(self._keys, self._places, asked, found)
        if not met:
            return []
        if met > _ROOM:  # more than there was room for
            found = np.empty(met, np.int64)
            _met(self._keys, self._places, asked, found)
        counts: dict[int, int] = {}
        for place in found[:met].tolist():
            counts[place] = counts.get(place, 0) + 1
        return [self._indicator(p) for p in sorted(counts) if counts[p] >= self._indicators.column(3)[p].as_py()]

    def _indicator(self, place: int) -> Indicator:
        return Indicator(*(self._indicators.column(column)[place].as_py() for column in (0, 1, 2, 4, 5)))

    def _asked(self, request: Request) -> Iterator[int]:
        """The keys that ``request`` shows, each once."""
        yield key_of("pseudonym", request.account_id)
        for anchor in dict.fromkeys(request.anchors):
            yield anchor_key(anchor)
        for block in dict.fromkeys(request.replayed):
            yield key_of("block", block)
        for names in self._clients:
            shown = {name: value for name in names if (value := getattr(request, name))}
            if len(shown) == len(names):
                yield client_key(shown)
        if request.client_ip and len(request.client_ip) <= _ADDRESS:
            yield from _network_keys(request.client_ip, self._lengths[4], self._lengths[6])

    def _kinds(self) -> set[str]:
        return set(self._indicators.column(2).unique().to_pylist())


def _numbers(batch: pa.RecordBatch, name: str) -> NDArray[np.uint64]:
    return np.asarray(batch.column(name), np.uint64)


def _rules(facts: pa.RecordBatch) -> frozenset[str]:
    pairs = pa.table({"about": facts.column(2), "name": facts.column(3)}).group_by(["about", "name"]).aggregate([])
    return frozenset(row["name"] for row in pairs.to_pylist() if row["about"] in ("unmet", "unknown", "met"))


def _rows(keys: "memoryview[int]", key: int) -> Iterator[int]:
    """The rows of the sorted ``keys`` that have ``key``."""
    row = bisect_left(keys, key)
    while row < len(keys) and keys[row] == key:
        yield row
        row += 1


@lru_cache(maxsize=1 << 16)
def _network_keys(address: str, four: tuple[int, ...], six: tuple[int, ...]) -> tuple[int, ...]:
    """The keys of the ranges of those lengths that ``address`` is in; none of what is no address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ()
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    bits, number, version = parsed.max_prefixlen, int(parsed), parsed.version
    lengths = four if version == 4 else six
    return tuple(network_key(version, length, number >> (bits - length) << (bits - length)) for length in lengths)


@compiled
def _met(
    keys: NDArray[np.uint64], places: NDArray[np.int64], asked: NDArray[np.uint64], found: NDArray[np.int64]
) -> int:
    """Write the places of each of ``asked`` among the sorted ``keys``, as far as there is room; how many there are."""
    count = 0
    for key in asked:
        row, end = 0, len(keys)
        while row < end:
            middle = (row + end) // 2
            if keys[middle] < key:
                row = middle + 1
            else:
                end = middle
        while row < len(keys) and keys[row] == key:
            if count < len(found):
                found[count] = places[row]
            count += 1
            row += 1
    return count


EMPTY: Final = tuple(pa.RecordBatch.from_struct_array(pa.nulls(0, pa.struct(list(schema)))) for schema in _TABLES)


def nothing(made: int) -> Snapshot:
    """A snapshot that knows nothing."""
    return Snapshot(EMPTY, made, "")


def write(path: Path, tables: Sequence[pa.Table], made: int, policy: str, shapes: Iterable[str] = ()) -> None:
    """Write the four ``tables`` (unsorted, without keys where VERDICTS and FACTS have them) as a snapshot.

    Whoever reads sees the old file or the new one, never half of it.
    """
    told = {b"made": str(made).encode(), b"policy": policy.encode(), b"shapes": " ".join(sorted(shapes)).encode()}
    fresh = path.with_name(f".{path.name}.new")
    with pa.OSFile(str(fresh), "wb") as file:
        for schema, table in zip(_TABLES, tables, strict=True):
            whole = table.select(schema.names).cast(schema)
            if "key" in schema.names:
                whole = whole.take(pa.array(np.argsort(np.asarray(whole["key"]), kind="stable")))
            with pa.ipc.new_stream(file, schema.with_metadata(told)) as writer:
                writer.write_batch(_single(whole))
    with fresh.open("rb") as written:
        os.fsync(written.fileno())  # or a loss of power could leave the name and not the rows
    fresh.replace(path)


def open_snapshot(path: Path) -> Snapshot:
    """Map the snapshot in the file ``path``.

    Raises:
        InputError: it is none, or damaged.
    """
    try:
        file = pa.memory_map(str(path))
        batches: list[pa.RecordBatch] = []
        told: Mapping[bytes, bytes] = {}
        for schema in _TABLES:
            reader = pa.ipc.open_stream(file)
            if not reader.schema.equals(schema):
                raise InputError("not a snapshot of this version", where=str(path), do="Publish it anew.")
            told = reader.schema.metadata
            batch = reader.read_next_batch()
            batch.validate(full=True)
            batches.append(batch)
            if list(reader):
                raise InputError("not a snapshot", where=str(path), do="Publish it anew.")
        return Snapshot(batches, int(told[b"made"]), told[b"policy"].decode(), told[b"shapes"].decode().split())
    except (pa.ArrowException, KeyError, ValueError, StopIteration, TypeError) as error:
        raise InputError(f"a damaged snapshot: {error}", where=str(path), do="Publish it anew.") from error


def _single(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
