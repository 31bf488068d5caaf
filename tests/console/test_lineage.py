import json
import re
from dataclasses import replace

import numpy as np
import pytest

from stillwatch.console.lineage import headline, sentence, trace_html, trace_json, write_trace
from stillwatch.console.lineage_charts import against_controls, threshold, tree
from stillwatch.lineage.calibration import hierarchical_p
from stillwatch.lineage.interface import (
    Card,
    Claim,
    Line,
    Outcome,
    Passage,
    Role,
    Shadowing,
    Standing,
    Together,
    Trace,
)  # fmt: skip

EVIL = "</style><script>alert(1)</script>\u202e"


def claim(kind: str, outcome: Outcome, via: str = "") -> Claim:
    standings = (Standing(EVIL, 4.2, 0.04, {"words": 0.04}), Standing("other", -1.0, 0.9, {"words": 0.8}))
    named = (EVIL, "other") if outcome is not Outcome.SUPPORTED else (EVIL,)
    return Claim(kind, "The suspect is {}.", outcome, named, 0.05, 20, 19, standings, {"c1": 0.5, "c2": -0.5}, via)


def found(*outcomes: Outcome) -> Trace:
    cards = tuple(
        Card(name, role, name, name)
        for name, role in ((EVIL + "s", Role.SUSPECT), (EVIL, Role.CANDIDATE), ("c1", Role.CONTROL))
    )
    tree = ((EVIL + "s", -1, -1, 0.0), (EVIL, -1, -1, 0.0), ("c1", -1, -1, 0.0), ("", 0, 1, 1.0), ("", 3, 2, 2.0))
    claims = tuple(claim(kind, out) for kind, out in zip(("wrapper", "weights", "taught"), outcomes, strict=True))
    return Trace(
        EVIL + "s",
        200,
        cards,
        claims,
        tree,
        (Passage("1", EVIL, 0.5, (EVIL,)),),
        {"X": 2},
        {"T": (0.1, 0.2)},
        ("a note",),
        "1",
    )


SUPPORTED = found(*(Outcome.SUPPORTED,) * 3)


def test_nothing_of_a_name_or_a_text_reaches_the_page_as_markup() -> None:
    page = trace_html(SUPPORTED).decode()
    assert "<script" not in page
    assert "\u202e" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;" in page


def test_equal_results_give_equal_bytes_and_json_holds_all(tmp_path) -> None:
    report = write_trace(SUPPORTED, tmp_path)
    assert report.read_bytes() == trace_html(SUPPORTED)
    assert json.loads((tmp_path / "trace.json").read_text())["claims"][0]["candidates"] == [EVIL]
    assert trace_json(SUPPORTED) == trace_json(SUPPORTED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lineage.json", "report.html", "trace.json"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_sentence_and_only_one_of_them_claims(outcome) -> None:
    said = sentence(claim("wrapper", outcome))
    assert ("The suspect is" in said) == (outcome is Outcome.SUPPORTED)
    assert not {"theft", "stolen", "guilty", "illegal"} & set(said.lower().split())


def test_the_headline_claims_nothing_that_is_not_supported() -> None:
    assert headline(found(*(Outcome.NOT_SUPPORTED,) * 3)).startswith("No claim on")
    assert headline(found(*(Outcome.INDISTINGUISHABLE,) * 3)).startswith("No claim on")
    assert "point to" in headline(SUPPORTED)


def test_a_way_round_is_told() -> None:
    assert "by way of c1" in sentence(claim("taught", Outcome.SUPPORTED, via="c1"))


def many(count: int, per_family: int = 1) -> tuple[Claim, tuple[Card, ...]]:
    null = {f"c{at}": float(at) for at in range(count)}
    cards = tuple(Card(name, Role.CONTROL, f"f{at // per_family}") for at, name in enumerate(null))
    own = (Standing("t", count - 0.5, 1 / (1 + count), {}), Standing("u", 0.5, 0.9, {}))
    return Claim("taught", "{}", Outcome.SUPPORTED, ("t",), 0.05, count, 19, own, null), cards


@pytest.mark.parametrize(("count", "per_family"), [(19, 1), (60, 1), (60, 3), (18, 1), (0, 1)])
def test_the_zone_of_support_begins_where_p_falls_to_alpha(count, per_family) -> None:
    claim, cards = many(count, per_family)
    edge = threshold(claim, cards)
    null, families = np.array(list(claim.null.values())), [card.family for card in cards]
    if edge is None:
        assert hierarchical_p(count + 1.0, null, families) > 0.05
        return
    assert hierarchical_p(edge + 1e-9, null, families) <= 0.05
    assert hierarchical_p(edge, null, families) > 0.05


def test_the_chart_says_in_words_what_it_draws() -> None:
    claim, cards = many(60)
    drawn = against_controls(claim, cards)
    spoken = re.search('aria-label="([^"]*)"', drawn)[1]
    assert "Highest is t with 59.50" in spoken
    assert "supported beyond 57.00" in spoken
    assert drawn.count('class="bar"') == drawn.count('class="hollow"') == 1
    places = [float(place) for place in re.findall('cx="([^"]*)"', drawn)]
    assert places[0] > places[1]
    assert sum(title.count("c") for title in re.findall("<title>(c[^<]*)</title>", drawn)) == 60
    assert 'class="zone"' not in against_controls(*many(18))


def test_the_tree_draws_the_suspects_line_to_the_root_and_names_its_neighbour() -> None:
    cards = tuple(Card(name, role) for name, role in (("s", Role.SUSPECT), ("t", Role.CANDIDATE), ("c", Role.CONTROL)))
    leaves = tuple((card.name, -1, -1, 0.0) for card in cards)
    drawn = tree((*leaves, ("", 0, 1, 1.0), ("", 3, 2, 2.0)), cards)
    assert drawn.count('class="own"') == 2
    assert "the suspect is joined first with t" in drawn
    assert len(set(re.findall('<text class="[^"]*" x="626.0" y="([^"]*)"', drawn))) == 3


BESIDE = Line(
    "watermark", "key 12", EVIL + " green.", "the draw", "that it is", 0.004, True, {}, "0 of 3", ("a doubt",)
)


def test_evidence_of_other_kinds_is_told_apart_and_combined_only_as_planned() -> None:
    canary = replace(BESIDE, kind="canaries", p_value=None)
    apart = trace_html(replace(SUPPORTED, beside=(BESIDE, canary))).decode()
    assert "Watermark of a teacher – p = 0.004" in apart
    assert "Canaries of a teacher</h3>" in apart
    assert "They are not combined" in apart
    assert "a doubt" in apart
    assert "<script" not in apart
    both = Together(("canaries", "watermark"), 0.002, "two draws")
    combined = trace_html(replace(SUPPORTED, beside=(BESIDE, canary), together=both)).decode()
    assert "They are not combined" not in combined
    assert "Canaries and Watermark together – p = 0.002" in combined
    assert "<q>two draws</q>" in combined


def test_what_shadows_say_is_no_rate_of_error() -> None:
    page = trace_html(replace(SUPPORTED, shadowing=Shadowing(3, 4, 1, 5, 210, 0))).decode()
    assert "Of 4 that learnt from a candidate it named the right one for 3." in page
    assert "Of 5 that learnt from a control it accused 1." in page
    assert "neither how often" in page


def test_the_page_needs_no_network_and_every_picture_has_words() -> None:
    page = trace_html(SUPPORTED).decode()
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "url(" not in page
    assert all('aria-label="' in svg for svg in re.findall("<svg[^>]*>", page))
    assert page.count("<svg") == 4


def test_the_first_screen_has_every_claim_with_what_it_means_and_how_it_ended() -> None:
    page = trace_html(found(Outcome.SUPPORTED, Outcome.NOT_SUPPORTED, Outcome.VIEWS_DISAGREE)).decode()
    glance = page.split("<article", 1)[0]
    for kind, meant in (("wrapper", "another name"), ("weights", "its weights"), ("taught", "trained on its answers")):
        assert re.search(rf'<a href="#claim-\d">{kind}</a>.*{meant}', glance)
    assert all(outcome.value in glance for outcome in (Outcome.SUPPORTED, Outcome.VIEWS_DISAGREE))
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))
    assert page.count("<caption>") == page.count("<table>")


def test_small_probabilities_are_written_as_everywhere() -> None:
    rare = replace(SUPPORTED.claims[0].standings[0], p_value=2.5e-7)
    claim = replace(SUPPORTED.claims[0], standings=(rare, *SUPPORTED.claims[0].standings[1:]))
    assert "p = 2.5 × 10⁻⁷ over all candidates" in sentence(claim)
    assert "e-07" not in trace_html(replace(SUPPORTED, claims=(claim, *SUPPORTED.claims[1:]))).decode()
