from ipaddress import IPv4Address, IPv6Address, ip_network

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.signals.ip import ADDRESSES, canonical, read


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_stands_in_its_24_however_it_is_wrapped(address: IPv4Address) -> None:
    network = str(ip_network((address, 24), strict=False))
    for text in (str(address), f" {address} ", f"::ffff:{address}"):
        assert read(text) == (str(address), network)


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_has_one_spelling_and_stands_in_its_48(address: IPv6Address) -> None:
    assert read(address.exploded.upper()) == read(str(address))
    if address.ipv4_mapped is None:
        assert read(f"{address}%eth0") == (str(address), str(ip_network((address, 48), strict=False)))


@pytest.mark.parametrize("text", ["", "gateway-7", "1.2.3", "1.2.3.4.5", "300.1.1.1", "9f8e7d"])
def test_what_is_no_address_is_kept_without_a_network(text: str) -> None:
    assert read(text) == (text, None)


_TEXTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True),
    st.text(max_size=8),
)


@given(st.lists(_TEXTS | st.none()))
def test_the_kernel_reads_each_as_read_does(texts: list[str | None]) -> None:
    batch = pa.RecordBatch.from_arrays(
        [pa.nulls(len(texts), pa.string()), pa.array(texts, pa.string()), pa.nulls(len(texts), pa.int64())],
        ["account_id", "client_ip", "n"],
    )
    found = canonical(batch)
    expected = [read(text) if text is not None else (None, None) for text in texts]
    assert list(zip(found["address"].to_pylist(), found["prefix"].to_pylist(), strict=True)) == expected


def test_the_kernel_gives_a_row_for_each_row() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"account_id": ["a", "b", "a"], "client_ip": ["10.0.0.1", "2001:DB8::1", "10.0.0.1"], "n": [1, 2, 3]}
    )
    rows = canonical(batch)
    assert rows.schema == ADDRESSES
    assert rows.to_pylist() == [
        {"account_id": "a", "address": "10.0.0.1", "prefix": "10.0.0.0/24", "n": 1},
        {"account_id": "b", "address": "2001:db8::1", "prefix": "2001:db8::/48", "n": 2},
        {"account_id": "a", "address": "10.0.0.1", "prefix": "10.0.0.0/24", "n": 3},
    ]
