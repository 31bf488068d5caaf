import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.console import report_html
from stillwatch.console.report import slots
from tests.console.hostile import PAYLOAD, replaced
from tests.console.samples import large_campaign, nothing_found, sample_findings, small_campaign

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """A page as a flat list of its tags with the names of their attributes, its text, and what is wrong with it."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[dict[str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(document.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.append({"": tag} | {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def said(self) -> str:
        return " ".join("".join(self.text).replace("\xa0", " ").split())


@pytest.fixture(scope="module")
def large() -> bytes:
    return report_html(sample_findings())


def test_twenty_five_thousand_accounts_fit_in_three_megabytes(large: bytes) -> None:
    assert len(large) < 3_000_000
    for name in (large_campaign().accounts[0], large_campaign().accounts[-1]):
        assert name.encode() in large


def test_the_longest_usual_identifiers_still_fit() -> None:
    campaign = large_campaign()
    names = [f"{n:08x}-5bd1-4e0f-9c61-{n * 7919:012x}" for n in range(25_000)]
    members = tuple(replace(m, account_id=name) for m, name in zip(campaign.members, names, strict=True))
    findings = replace(sample_findings(10), campaigns=(replace(campaign, members=members),))
    assert len(report_html(findings)) < 3_000_000


def test_equal_findings_give_equal_bytes(large: bytes) -> None:
    findings = sample_findings()
    assert report_html(replace(findings, campaigns=findings.campaigns[::-1], seconds={"links": 7.0})) == large


def test_it_says_everything_a_finding_holds(large: bytes) -> None:
    said = Page(large).said()
    findings = sample_findings()
    for campaign in findings.campaigns:
        wanted = [campaign.id, campaign.confidence, *campaign.would_change, *campaign.not_measured]
        wanted += [line.summary for line in campaign.evidence] + [
            e for line in campaign.evidence for e in line.examples
        ]
        wanted += [part for c in campaign.considered for part in (c.explanation, c.why)]
        wanted += [tie.value for tie in campaign.ties] + [template.skeleton for template in campaign.templates]
        for part in wanted:
            assert part in said
    for cluster in (*findings.authorised, *findings.cleared):
        assert cluster.id in said
        assert cluster.considered[0].why in said
    for part in (
        *findings.abstained,
        *findings.capped,
        *findings.inputs,
        findings.calibration,
        findings.version,
        findings.engine,
    ):
        assert part in said
    assert "false-discovery rate of 1 %" in said


def test_nothing_found_is_a_whole_report() -> None:
    page = Page(report_html(nothing_found()))
    assert "No coordinated extraction found" in page.said()
    assert "not proof of absence" in page.said()
    assert "benign period of 1 to 14 May 2026, 18 days old" in page.said()
    assert not page.open
    assert "article" not in {tag for tag, _ in page.tags}


def test_no_requests_at_all() -> None:
    empty = replace(nothing_found(), cleared=(), requests=0, accounts=0, first_seen=None, last_seen=None)
    assert "0 requests from 0 accounts were examined" in Page(report_html(empty)).said()


def test_a_campaign_about_which_little_is_known() -> None:
    empty = dict.fromkeys(("evidence", "considered", "members", "ties", "templates", "timeline", "targets"), ())
    bare = replace(
        small_campaign(), **empty, techniques=(), confidence="", would_change=(), not_measured=(), score=-1.0
    )
    page = Page(report_html(replace(nothing_found(), campaigns=(bare,))))
    assert "8 accounts acting as one" in page.said()
    assert "svg" not in {tag for tag, _ in page.tags}


def test_nothing_from_elsewhere_is_loaded_and_only_our_script_may_run(large: bytes) -> None:
    page = Page(large)
    for attributes in page.attributes:
        for name in ("src", "href", "action", "srcset", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:,"))
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert not re.search(rb"url\(|@import|https?://", large)
    policy = next(a["content"] for a in page.attributes if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    text = large.decode()
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy


def test_hostile_strings_change_no_tag_and_no_attribute() -> None:
    findings = sample_findings(40)
    tame, hostile = (Page(report_html(replaced(findings, text))) for text in ("tame", PAYLOAD))
    assert hostile.tags == tame.tags
    assert not hostile.open
    shown = "".join(hostile.text)
    assert "<img src=x onerror=" in shown  # it is there, as text
    assert "{{ 7 * 7 }}" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0041]", shown)


def test_one_endless_string_does_not_make_an_endless_page() -> None:
    campaign = small_campaign()
    evidence = tuple(replace(line, summary="x" * 10**6, examples=("y" * 10**6,) * 50) for line in campaign.evidence)
    assert len(report_html(replace(nothing_found(), campaigns=(replace(campaign, evidence=evidence),)))) < 250_000


@given(st.text("ab ‹›…", max_size=60))
def test_slots_lose_nothing(skeleton: str) -> None:
    pieces = slots(skeleton)
    assert "".join(text for text, _ in pieces) == skeleton
    assert all(text[0] == "‹" and text[-1] == "›" for text, slot in pieces if slot)


def test_slots_are_marked() -> None:
    assert slots("Fix ‹…› in ‹file›") == [("Fix ", False), ("‹…›", True), (" in ", False), ("‹file›", True)]


def test_it_can_be_read_without_eyes_and_without_a_mouse(large: bytes) -> None:
    page = Page(large)
    tags = [tag for tag, _ in page.tags]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert tags.count("caption") == tags.count("table")
    for attributes in page.attributes:
        if attributes[""] == "th":
            assert attributes.get("scope") in {"row", "col"}
        if attributes[""] == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        if attributes.get("class", "").startswith("scroll"):
            assert attributes["tabindex"] == "0"
            assert attributes.get("aria-label") or attributes.get("aria-labelledby")
    identifiers = [a["id"] for a in page.attributes if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    links = {a["href"][1:] for a in page.attributes if a.get("href", "").startswith("#")}
    assert links <= set(identifiers)


@pytest.mark.parametrize("theme", [0, 1])
def test_contrast_of_text_is_enough(large: bytes, theme: int) -> None:
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    css = re.findall(r":root \{(.*?)\}", large.decode(), re.DOTALL)[theme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    for front in ("ink", "quiet", "accent", "tie"):
        for back in ("paper", "card"):
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    assert contrast(colours["ink"], colours["mark"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours as WCAG defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_simulated_traffic_and_what_others_named_are_said_and_else_nothing_is() -> None:
    findings = sample_findings(60)
    named = replace(small_campaign(), put_forward_by=(f"indicator--{PAYLOAD}",))
    told = report_html(replace(findings, campaigns=(named,), simulated=True)).decode()
    assert "accuse nobody" in told and "one indicator of other members" in told.replace("1 indicator", "one indicator")
    assert PAYLOAD not in told
    assert "accuse nobody" not in report_html(findings).decode()
