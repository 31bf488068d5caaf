"""AML.CS0056 minted: valid for the standard's own tools, the same every time, and nothing of a customer in it.

After a change on purpose: ``STILLWATCH_GOLDEN=write pytest tests/indicators/test_mint.py``, and read the diff.
"""

import json
import os
import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_string

from stillwatch.indicators import Minted, Order, bundle, check, mint
from stillwatch.indicators.patterns import MATCHED, parse
from stillwatch.schema import stix
from stillwatch.schema.profile import SHAPES
from tests.indicators.made import CASE, GOLDEN, KEY, SECRETS, campaign, cs0056, findings, shared

ORDER = Order(KEY, cases=(CASE,))


@pytest.fixture(scope="module")
def minted() -> Minted:
    return mint(findings(), ORDER)


def of(minted: Minted, type_: str) -> list[stix.Object]:
    return [each for each in minted.objects if each["type"] == type_ and each["created"] != stix.PUBLISHED]


def assert_valid(objects: Any) -> None:
    """stix2-validator 3.2.0 finds neither a MUST nor a SHOULD broken, and stix2 gives back what it read."""
    text = json.dumps(bundle(objects, KEY))
    result = validate_string(text, ValidationOptions(version="2.1", strict=True))
    assert result.is_valid, [str(error) for error in result.errors]
    assert json.loads(stix2.parse(text).serialize()) == json.loads(text)


def test_every_object_passes_the_validator_and_comes_back_from_stix2(minted: Minted) -> None:
    assert_valid(minted.objects)
    assert check(minted.objects) == ()


def test_everything_published_passes_too() -> None:
    assert_valid(tuple(stix.published().values()))
    assert check(tuple(stix.published().values())) == ()


def test_no_campaign_gives_a_bundle_of_nothing_that_is_still_a_bundle() -> None:
    minted = mint((), ORDER)
    assert minted == Minted((), ())
    assert validate_string(
        json.dumps(bundle(minted.objects, KEY)), ValidationOptions(version="2.1", strict=True)
    ).is_valid


def test_golden(minted: Minted) -> None:
    text = json.dumps(bundle(minted.objects, KEY), indent=2) + "\n"
    path = GOLDEN / "aml_cs0056.json"
    if os.environ.get("STILLWATCH_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "ascii")
    assert text == path.read_text("ascii")


def test_the_case_is_told_whole(minted: Minted) -> None:
    campaigns = of(minted, "campaign")
    assert len(campaigns) == 3
    told = [each["extensions"][stix.OBJECTIVE.id] for each in campaigns]
    assert [each["accounts"] for each in told] == ["100-to-999", "100-to-999", "10000-or-more"]
    assert [each["targets"] for each in told] == [["reasoning", "grading"], ["agentic use", "coding"], ["coding"]]
    assert all(each["external_references"][0]["external_id"] == CASE for each in campaigns)
    used = {r["target_ref"] for r in of(minted, "relationship") if r["relationship_type"] == "uses"}
    assert {stix.TECHNIQUES[name].id for name in
            ("AML.T0008.005", "AML.T0021", "AML.T0024.002", "AML.T0040", "AML.T0065")} < used  # fmt: skip
    kinds = [each["description"] for each in of(minted, "indicator")]
    assert set(kinds) == set(stix.DESCRIPTIONS.values())
    clusters = [each["extensions"][stix.PROXY.id]["cluster_kind"] for each in of(minted, "infrastructure")]
    assert clusters == ["unknown", "unknown", "reseller"]


def test_every_indicator_is_sighted_and_indicates_its_campaign(minted: Minted) -> None:
    indicators = {each["id"] for each in of(minted, "indicator")}
    assert {each["sighting_of_ref"] for each in of(minted, "sighting")} == indicators
    campaigns = {each["id"] for each in of(minted, "campaign")}
    ties = {r["source_ref"] for r in of(minted, "relationship") if r["target_ref"] in campaigns}
    assert ties == indicators


def test_what_an_indicator_asks_is_what_it_says(minted: Minted) -> None:
    for each in of(minted, "indicator"):
        matched = MATCHED.get(each["pattern"])
        assert (set(each.get("extensions", {})) == {matched.id}) if matched else parse(each["pattern"])
        assert each["valid_from"] < each["valid_until"]


def test_nothing_of_a_customer_leaves(minted: Minted) -> None:
    text = json.dumps(minted.objects)
    assert not [secret for secret in SECRETS if secret in text]
    findings_text = json.dumps(cs0056())
    assert all(secret in findings_text for secret in SECRETS)
    assert "13:37" not in text  # times are days
    for each in minted.objects:
        if each["type"] in SHAPES and each["id"] not in stix.published():
            assert all(re.fullmatch(r"[0-9T:.Z-]+00:00:00\.000Z", each[n]) for n in ("created", "modified"))


def test_numbers_leave_in_bands_alone(minted: Minted) -> None:
    """Of two campaigns that differ only within a band nothing differs but the ids."""

    def shown(accounts: int) -> list[Any]:
        made = campaign("c", accounts, shared=[shared("cue_coding", "0.9 or more", accounts, accounts),
                                               shared("long_outputs", "0.9 or more", accounts, accounts)])  # fmt: skip
        return list(mint(findings([made]), ORDER).objects)

    assert shown(120) == shown(950)
    assert shown(120) != shown(1_050)


def test_minting_again_gives_the_same_and_a_key_of_ones_own_gives_other_ids(minted: Minted) -> None:
    assert mint(findings(), ORDER) == minted
    other = mint(findings(), replace(ORDER, key=bytes(32)))
    common = {each["id"] for each in minted.objects} & {each["id"] for each in other.objects}
    assert common <= stix.published().keys()
    assert len(other.objects) == len(minted.objects)


def test_a_range_is_told_only_if_several_accounts_share_it_nobody_else_does_and_it_is_hosted() -> None:
    def told(prefix: str, accounts: int, elsewhere: int, **options: Any) -> list[str]:
        made = campaign("r", 50, shared=[shared("client_prefix", prefix, accounts, 50, elsewhere)])
        found = mint(findings([made]), replace(ORDER, **options))
        assert bool(found.left_out) != bool(of(found, "indicator"))
        return [each["pattern"] for each in of(found, "indicator")]

    assert told("8.8.4.0/24", 3, 0) == ["[ipv4-addr:value ISSUBSET '8.8.4.0/24']"]
    assert told("8.8.4.0/24", 2, 0) == []
    assert told("8.8.4.0/24", 30, 1) == []
    assert told("192.168.4.0/24", 30, 0) == []
    assert told("8.8.4.0/24", 30, 0, hosting=(ip_network("8.8.0.0/16"),)) != []
    assert told("8.8.4.0/24", 30, 0, hosting=(ip_network("2606::/16"), ip_network("9.0.0.0/8"))) == []


def test_client_software_is_told_if_it_is_the_campaigns_and_names_nobody() -> None:
    tls, headers = "t13d1506h2_2ad17872efc4_7872efc4c6f9", "ge20nn566db5c935bb001a"

    def told(kind: str, value: str, accounts: int = 30, elsewhere: int = 3) -> bool:
        made = campaign("s", 50, shared=[shared(kind, value, accounts, 50, elsewhere)])
        return bool(of(mint(findings([made]), ORDER), "indicator"))

    assert told("client", f"{tls} | python-requests/2.31.0 | {headers}")
    assert told("client", f"{tls} | OpenAI/Python 1.2.3 | {headers}")
    assert told("tls_fingerprint", tls)
    assert told("header_order", headers)
    assert not told("tls_fingerprint", tls, elsewhere=4)
    assert not told("tls_fingerprint", tls, accounts=2, elsewhere=0)
    for agent in (
        "examplecorp-bot/1.0",
        "python-requests/examplecorp",
        "curl/8.0 examplecorp",
        "Mozilla/5.0 (Ms Example)",
    ):
        assert not told("client", f"{tls} | {agent} | {headers}")
    assert not told("client", f"{tls} | curl/8.0")
    assert not told("tls_fingerprint", "9f86d081884c7d659a2feaa0c55ad015")  # a pseudonym


@given(st.lists(st.builds(shared, st.sampled_from(["client", "client_prefix", "tls_fingerprint", "header_order",
       "created_day", "cue_coding", "addresses", "email_domain", "daily_requests", "foreign_replay"]),
       st.text(max_size=80) | st.sampled_from(["0.9 or more", "17 to 33", "9.9.9.0/24", "a | b | c"]),
       st.integers(0, 60), st.just(60), st.integers(0, 90)), max_size=8), st.text(max_size=40),
       st.lists(st.text(max_size=20), max_size=4))  # fmt: skip
def test_whatever_the_findings_say_only_what_is_allowed_is_minted(
    values: list[dict[str, Any]], word: str, targets: list[str]
) -> None:
    """Every text of the findings may be hostile: what comes out is of the closed shapes, or is not minted."""
    made = campaign("h", 60, shared=values, targets=targets, techniques=[word], templates=[],
                    evidence=[{"signal": f"cue_{word}"}])  # fmt: skip
    assert check(mint(findings([made]), ORDER).objects) == ()


@pytest.mark.parametrize("level", stix.TLP)
def test_every_level_of_tlp(level: str) -> None:
    found = mint(findings(), replace(ORDER, tlp=level))
    assert_valid(found.objects)
    assert {ref for each in of(found, "indicator") for ref in each["object_marking_refs"]} == {stix.TLP[level]}


def test_two_pseudonyms_of_a_member_have_no_id_in_common() -> None:
    one, other = (
        {each["id"] for each in mint(findings(), replace(ORDER, identity=name)).objects} - stix.published().keys()
        for name in ("identity--ce53320f-0512-4593-b2e3-d065edd5d3fb", "identity--0a0f5d3e-6c7b-4c57-8d0e-8f5f4b7d2c11")
    )
    assert one and not one & other
