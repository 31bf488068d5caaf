"""The pattern language: what is written is read back, what is read means what STIX says, the rest is refused."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2patterns.v21.pattern import Pattern

from stillwatch.indicators.patterns import (
    Comparison,
    Junction,
    PatternError,
    client_pattern,
    holds,
    names,
    networks,
    parse,
    range_pattern,
)  # fmt: skip

UA = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
FIELDS = ("user_agent", "tls_fingerprint", "header_order")


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_range_is_read_back(address: object, length: int) -> None:
    network = ip_network((str(address), length), strict=False)
    pattern = range_pattern(network)
    Pattern(pattern)  # the grammar of OASIS
    assert networks(parse(pattern)) == (network,)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]),
       max_size=30), min_size=1))  # fmt: skip
def test_client_software_is_read_back_whatever_stands_in_it(shown: dict[str, str]) -> None:
    pattern = client_pattern(shown)
    Pattern(pattern)
    node = parse(pattern)
    assert names(node) == shown.keys()
    assert holds(node, shown)
    for name in shown:
        assert not holds(node, {**shown, name: shown[name] + "x"})


def test_and_binds_closer_than_or_and_brackets_closer_still() -> None:
    a, b, c = (Comparison("user_agent", (value,)) for value in "abc")
    assert parse(f"[{UA} = 'a' OR {UA} = 'b' AND {UA} = 'c']") == Junction("OR", (a, Junction("AND", (b, c))))
    assert parse(f"[({UA} = 'a' OR {UA} = 'b') AND {UA} = 'c']") == Junction("AND", (Junction("OR", (a, b)), c))
    assert parse(f"[{UA} = 'a'] OR [{UA} IN ('b', 'c')]") == Junction("OR", (a, Comparison("user_agent", ("b", "c"))))


def test_addresses_by_equality_lists_and_ranges() -> None:
    found = networks(parse("[ipv4-addr:value = '9.9.9.9' OR ipv6-addr:value ISSUBSET '2001:db8::/32']"))
    assert found == (ip_network("9.9.9.9/32"), ip_network("2001:db8::/32"))
    assert networks(parse("[ipv4-addr:value = '9.9.9.9' AND ipv4-addr:value = '9.9.9.8']")) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "", "[", "[]", "x", "[file:name = 'a']", f"[{UA} != 'a']", f"[{UA} MATCHES '(a+)+$']", f"[{UA} LIKE '%']",
        f"[NOT {UA} = 'a']", f"[{UA} = 'a'] AND [{UA} = 'b']", f"[{UA} = 'a'] FOLLOWEDBY [{UA} = 'b']",
        f"[{UA} = 'a'] WITHIN 5 SECONDS", f"[{UA} = a]", f"[{UA} = 'a' {UA} = 'b']", f"[{UA} ISSUBSET 'a']",
        "[ipv4-addr:value = 'no address']", "[ipv4-addr:value = '1.2.3.4/99']", f"[{UA} IN ()]", f"[{UA} = 'a'",
        "[" + "(" * 40 + f"{UA} = 'a'" + ")" * 40 + "]", f"[{UA} = '{'a' * 10_001}']",
        "[x-stillwatch-account:matches = 'anything']",
    ],
)  # fmt: skip
def test_the_rest_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse(pattern)


@given(st.text("[]()='\\, ANDOIRSUBE" + "ipv4-addr:value", max_size=60))
def test_no_text_breaks_the_reader(pattern: str) -> None:
    try:
        parse(pattern)
    except PatternError as error:
        assert error.what
