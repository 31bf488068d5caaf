from ipaddress import ip_address, ip_network
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.enforcement import Request, Snapshot
from stillwatch.enforcement.matchers import Look
from stillwatch.enforcement.snapshot import VERDICTS, open_snapshot, write
from stillwatch.errors import InputError
from tests.enforcement.made import NOW, snapshot, tables, verdict


def test_written_and_mapped_it_says_the_same(tmp_path: Path) -> None:
    looks = [Look("i", networks=(ip_network("10.0.0.0/8"),), kind="address")]
    told, shapes = tables([verdict(f"a{n}") for n in range(500)], looks, [("account", "x", "p", 5)])
    write(tmp_path / "s", told, NOW, "digest", shapes)
    found = open_snapshot(tmp_path / "s")
    assert (found.made, found.policy, found.verdicts, found.indicators) == (NOW, "digest", 500, 1)
    assert all(found.verdict(f"a{n}") == verdict(f"a{n}") for n in range(500))
    assert found.verdict("b") is None
    assert sorted(v.account_id for v in found.all_verdicts()) == sorted(f"a{n}" for n in range(500))
    assert [each.id for each in found.matches(Request("z", client_ip="10.9.9.9"))] == ["i"]
    assert found.facts(Request("x")) == [("account", "p", 5)]


def test_a_reader_keeps_the_old_one_while_the_new_one_takes_its_place(tmp_path: Path) -> None:
    write(tmp_path / "s", tables([verdict("a")])[0], 1, "")
    old = open_snapshot(tmp_path / "s")
    write(tmp_path / "s", tables([verdict("b")])[0], 2, "")
    assert old.verdict("a") and not old.verdict("b")
    assert open_snapshot(tmp_path / "s").verdict("b")


@pytest.mark.parametrize("cut", [0, 10, 900, -200])
def test_a_damaged_file_is_an_error(tmp_path: Path, cut: int) -> None:
    write(tmp_path / "s", tables([verdict(f"a{n}") for n in range(20)])[0], 1, "")
    data = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(data[:cut])
    with pytest.raises(InputError):
        open_snapshot(tmp_path / "s")


def test_rows_out_of_order_are_an_error() -> None:
    told = tables([verdict(f"a{n}") for n in range(9)])[0]
    batch = told[0].sort_by([("key", "descending")]).to_batches()[0]
    rest = [pa.RecordBatch.from_pylist([], table.schema) for table in told[1:]]
    with pytest.raises(InputError, match="out of order"):
        Snapshot([batch, *rest], 1, "")


def test_a_hash_that_meets_is_not_a_name_that_does() -> None:
    one = tables([verdict("a")])[0]
    row = {**one[0].to_pylist()[0], "account_id": "somebody else"}
    rest = [pa.RecordBatch.from_pylist([], table.schema) for table in one[1:]]
    assert Snapshot([pa.RecordBatch.from_pylist([row], VERDICTS), *rest], 1, "").verdict("a") is None


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
networks = st.tuples(addresses, st.integers(0, 128)).map(
    lambda pair: ip_network((pair[0], min(pair[1], pair[0].max_prefixlen)), strict=False)
)


@settings(max_examples=60)
@given(st.lists(st.lists(networks, min_size=1, max_size=3), max_size=6), st.lists(addresses, min_size=1, max_size=8))
def test_ranges_are_what_the_standard_library_says(ranges: list, shown: list) -> None:
    made = snapshot([], [Look(f"i{n}", networks=tuple(own)) for n, own in enumerate(ranges)])
    near = [network.network_address for own in ranges for network in own]
    for address in [*shown, *near]:
        plain = getattr(address, "ipv4_mapped", None) or address
        expected = {f"i{n}" for n, own in enumerate(ranges) if any(plain in network for network in own)}
        assert {each.id for each in made.matches(Request("z", client_ip=str(address)))} == expected
    assert ip_address("::1")
