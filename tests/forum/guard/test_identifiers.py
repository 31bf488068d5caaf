"""Ids: versions and variants, types that may stand somewhere, observables derived as the standard derives them."""

import uuid

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.guard.identifiers import derived
from tests.forum.guard.made import fixture, outcome


@given(st.uuids(version=4))
def test_a_random_id_leaves(number: uuid.UUID) -> None:
    assert outcome({**fixture("opinion"), "id": f"opinion--{number}"}) == "release"


@pytest.mark.parametrize("version", [1, 2, 3, 6, 7, 8])
def test_an_id_of_another_version_tells_when_or_where(version: int) -> None:
    number = f"9e107d9d-372b-{version}826-8f2c-4d1a5c7b3e90"
    assert outcome({**fixture("opinion"), "id": f"opinion--{number}"}) == "withhold"


@pytest.mark.parametrize(
    "number",
    ["9e107d9d-372b-4826-0f2c-4d1a5c7b3e90", "9e107d9d-372b-4826-cf2c-4d1a5c7b3e90",
     "9E107D9D-372B-4826-8F2C-4D1A5C7B3E90", "9e107d9d372b48268f2c4d1a5c7b3e90",
     "{9e107d9d-372b-4826-8f2c-4d1a5c7b3e90}", "9e107d9d-372b-4826-8f2c-4d1a5c7b3e90\n",
     "\u0669e107d9d-372b-4826-8f2c-4d1a5c7b3e90", ""],
)  # fmt: skip
def test_an_id_in_another_spelling_stays(number: str) -> None:
    assert outcome({**fixture("opinion"), "id": f"opinion--{number}"}) == "withhold"


@pytest.mark.parametrize("kind", ["location", "threat-actor", "report", "x-price", "identity", "note", "artifact"])
def test_a_relationship_to_what_may_not_leave_stays(kind: str) -> None:
    assert outcome({**fixture("uses"), "target_ref": f"{kind}--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"}) == "withhold"


@pytest.mark.parametrize(("kind", "value"), [
    ("ipv4-addr", "198.51.100.7"), ("ipv4-addr", "198.51.100.0/24"), ("ipv6-addr", "2001:db8::1"),
    ("domain-name", "relay.example.com"),
])  # fmt: skip
def test_derivation_is_that_of_stix2(kind: str, value: str) -> None:
    made = {"ipv4-addr": stix2.IPv4Address, "ipv6-addr": stix2.IPv6Address, "domain-name": stix2.DomainName}[kind]
    assert derived({"type": kind, "value": value}, ("value",)) == made(value=value).id


def test_an_observable_with_an_id_of_its_own_stays() -> None:
    assert outcome({**fixture("ipv4"), "id": "ipv4-addr--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"}) == "withhold"
    assert outcome({**fixture("ipv4"), "value": "198.51.100.8"}) == "withhold"
    assert outcome({**fixture("ipv4"), "value": "\ud800"}) == "withhold"
