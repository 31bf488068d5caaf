"""The small grammar: what it reads is STIX (by the OASIS parser that stix2 brings), what it writes is read the same."""

import stix2patterns.validator
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.guard.patterns import Parsed, parse

PATHS = (
    "ipv4-addr:value",
    "ipv6-addr:value",
    "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
)
texts = st.text(st.sampled_from("abcXYZ019 ./:-'\\"), max_size=12)
comparisons = st.tuples(st.sampled_from(PATHS), st.sampled_from(["=", "ISSUBSET"]), texts)
boths = st.lists(comparisons, min_size=1, max_size=3).map(tuple)
parsed = st.lists(st.lists(boths, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)


def written(tree: Parsed) -> str:
    def literal(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    return " OR ".join(
        "[" + " OR ".join(" AND ".join(f"{p} {h} {literal(t)}" for p, h, t in both) for both in either) + "]"
        for either in tree
    )


@given(parsed)
def test_a_pattern_reads_as_it_was_written(tree: Parsed) -> None:
    assert parse(written(tree)) == tree


@given(parsed)
@settings(max_examples=40)
def test_what_is_read_is_stix(tree: Parsed) -> None:
    assert not stix2patterns.validator.run_validator(written(tree), stix_version="2.1")


@given(parsed, st.data())
def test_one_character_more_makes_another_pattern_or_none(tree: Parsed, data: st.DataObject) -> None:
    text = written(tree)
    at = data.draw(st.integers(0, len(text)))
    other = text[:at] + data.draw(st.sampled_from(" []()'ORAND#/\n\t")) + text[at:]
    found = parse(other)
    assert found is None or (found != tree and written(found) == other)


@given(st.text(max_size=60))
def test_anything_else_is_none(text: str) -> None:
    found = parse(text)
    assert found is None or written(found) == text
