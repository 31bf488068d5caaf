"""Internet addresses as written in logs -> one spelling each, and the network they stand in. An Arrow kernel."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import pyarrow as pa

#: The part of an address that one customer is usually given: RFC 6177 says /48 to a site, and /24 is the smallest
#: IPv4 block that is routed by itself.
_V4_PREFIX, _V6_PREFIX = 24, 48

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
    coded: Any = batch.column("client_ip").dictionary_encode()
    spelled = [read(text) for text in coded.dictionary.to_pylist()]
    addresses = pa.array([address for address, _ in spelled], pa.string())
    prefixes = pa.array([prefix for _, prefix in spelled], pa.string())
    return pa.RecordBatch.from_arrays(
        [
            batch.column("account_id").cast(pa.string()),
            addresses.take(coded.indices),
            prefixes.take(coded.indices),
            batch.column("n").cast(pa.int64()),
        ],
        schema=ADDRESSES,
    )


def read(text: str) -> tuple[str, str | None]:
    """One spelling of an address and its network; an IPv4 address wrapped in IPv6 is unwrapped, a zone is dropped."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return text, None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    length = _V4_PREFIX if address.version == 4 else _V6_PREFIX
    return str(address), str(ip_network((address, length), strict=False))
