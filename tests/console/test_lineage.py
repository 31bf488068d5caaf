import json

import pytest

from stillwatch.console.lineage import headline, sentence, trace_html, trace_json, write_trace
from stillwatch.lineage.interface import Card, Claim, Outcome, Passage, Role, Standing, Trace

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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "trace.json"]


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
