"""Internet addresses as written in logs -> one spelling each, and the network they stand in. An Arrow kernel."""

from ipaddress import IPv6Address, ip_address
from typing import Any

import pyarrow as pa
import pyarrow.compute

_compute: Any = pyarrow.compute

#: The part of an address that one customer is usually given: RFC 6177 says /48 to a site, and /24 is the smallest
#: IPv4 block that is routed by itself.
_V4_PREFIX, _V6_PREFIX = 24, 48

#: An IPv4 address in its one spelling, and its last part.
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN, _LAST = rf"^(?:{_OCTET}\.){{3}}{_OCTET}$", r"\.[0-9]+$"

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("account_id", pa.string()),
    ("address", pa.string()),
    ("prefix", pa.string()),
    ("n", pa.int64()),
]
ADDRESSES = pa.schema(_COLUMNS)


def canonical(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of (account_id, client_ip, n) as rows of ``ADDRESSES``.

    What is no address at all (a pseudonym, a host name) is kept as it stands, without a prefix: equality still counts.
    """
    texts: Any = batch.column("client_ip").cast(pa.string())
    addresses, prefixes = _spelled(texts)
    return pa.RecordBatch.from_arrays(
        [
            batch.column("account_id").cast(pa.string()),
            addresses,
            prefixes,
            batch.column("n").cast(pa.int64()),
        ],
        schema=ADDRESSES,
    )


def _spelled(texts: Any) -> tuple[Any, Any]:
    """``read`` of each of ``texts``; most are plain IPv4, which is read without a Python object for each."""
    other = _compute.invert(_compute.fill_null(_compute.match_substring_regex(texts, _PLAIN), True))
    coded = texts.filter(other).dictionary_encode()
    spelled = [read(text) for text in coded.dictionary.to_pylist()]
    names, networks = (pa.array([each[part] for each in spelled], pa.string()).take(coded.indices) for part in (0, 1))
    prefixes = _compute.replace_substring_regex(texts, _LAST, f".0/{_V4_PREFIX}")
    return _compute.replace_with_mask(texts, other, names), _compute.replace_with_mask(prefixes, other, networks)


def read(text: str) -> tuple[str, str | None]:
    """One spelling of an address and its network; an IPv4 address wrapped in IPv6 is unwrapped, a zone is dropped."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return text, None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    length = _V4_PREFIX if address.version == 4 else _V6_PREFIX
    spare = address.max_prefixlen - length
    return str(address), f"{type(address)(int(address) >> spare << spare)}/{length}"
