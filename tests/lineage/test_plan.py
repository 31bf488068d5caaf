import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.interface import Card, Role
from stillwatch.lineage.plan import departures, file_digest, make_plan, pinned, read_plan
from stillwatch.lineage.signing import read_signed, sign

PROMPTS = {"1": "Say one", "2": "Say two"}
ARGUMENTS = ("suspect", ["a", "b"], ["c"], PROMPTS, 0.05)
DONE = ("suspect", ["a", "b"], ["c"], ["1", "2"], 0.05)


@pytest.fixture
def signed(tmp_path):
    plan = make_plan(*ARGUMENTS, now=datetime(2026, 11, 21, tzinfo=UTC))
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(sign(plan, tmp_path / "key.pem")))
    return path


def test_a_plan_that_was_followed_departs_in_nothing(signed) -> None:
    plan, signer = read_plan(signed)
    assert plan["made"] == "2026-11-21T00:00:00+00:00"
    assert len(signer) == 44
    assert departures(plan, *DONE) == []
    assert departures(plan, *DONE, texts=PROMPTS, asked=datetime(2026, 11, 22, tzinfo=UTC)) == []


def test_prompts_about_identity_are_neither_asked_nor_planned() -> None:
    plan = make_plan("suspect", ["a", "b"], ["c"], {**PROMPTS, "3": "Who made you?"}, 0.05)
    assert departures(plan, *DONE) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"texts": {"1": "Say one", "2": "Say more"}}, "their texts"),
        ({"asked": datetime(2026, 11, 20, 23, 59, tzinfo=UTC)}, "before the plan was made"),
        ({"beside": {"watermark": ["ab" * 32]}}, "watermark: abababababab… was not planned"),
    ],
)
def test_departures_of_another_kind_are_told(signed, more, says) -> None:
    told = departures(read_plan(signed)[0], *DONE, **more)
    assert len(told) == 1
    assert says in told[0]


def test_facts_and_answers_that_were_fixed_must_be_the_same_and_others_may_be_any() -> None:
    card = Card("c", Role.CONTROL, family="f", group="g", base="b", released="2024-01", size=7.0, taught_by=("a",))
    plan = make_plan(*ARGUMENTS, pins=pinned([card], {"c": {"1": "x", "2": "y"}}))

    def told(card: Card, answers: dict[str, str]) -> list[str]:
        return departures(plan, *DONE, pins=pinned([card, Card("a", Role.CANDIDATE)], {"c": answers, "a": {"1": "z"}}))

    assert told(card, {"2": "y", "1": "x"}) == []
    assert told(replace(card, role=Role.CANDIDATE), {"1": "x", "2": "y"}) == []
    for other in ({"1": "x", "2": "z"}, {"1": "x"}, {"1": "x", "2": "y", "3": "z"}, {"1": "y", "2": "x"}):
        assert told(card, other) == ["answers of c differ from those planned"]
    for changed in (
        {"family": "o"}, {"group": "o"}, {"base": "o"}, {"released": "2024-02"}, {"size": 8.0}, {"taught_by": None}
    ):  # fmt: skip
        assert told(replace(card, **changed), {"1": "x", "2": "y"}) == ["facts of c differ from those planned"]


def test_evidence_that_was_planned_must_be_given(tmp_path) -> None:
    (tmp_path / "x").write_bytes(b"campaigns")
    digest = file_digest(tmp_path / "x")
    assert digest == hashlib.sha256(b"campaigns").hexdigest()
    plan = make_plan(*ARGUMENTS, beside={"campaigns": [digest]})
    assert departures(plan, *DONE, beside={"campaigns": [digest]}) == []
    assert "was planned and left out" in departures(plan, *DONE)[0]


def test_only_what_rests_on_draws_can_be_planned_to_be_combined() -> None:
    with pytest.raises(UsageError, match="only a watermark and canaries"):
        make_plan(*ARGUMENTS, beside={"watermark": ["1"], "campaigns": ["2"]}, together="they are")
    beside = {"watermark": ["1"], "canaries": ["2"]}
    assert make_plan(*ARGUMENTS, beside=beside, together="two draws")["together"] == "two draws"


def test_a_document_of_one_type_does_not_pass_for_another(signed) -> None:
    with pytest.raises(InputError, match="is of type"):
        read_signed(signed, "stillwatch-canaries/1")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("other", ["a", "b"], ["c"], ["1", "2"], 0.05), "suspect"),
        (("suspect", ["a"], ["c"], ["1", "2"], 0.05), "b was planned and left out"),
        (("suspect", ["a", "b"], ["c", "d"], ["1", "2"], 0.05), "d was not planned"),
        (("suspect", ["a", "b"], ["c"], ["1", "3"], 0.05), "prompts"),
        (("suspect", ["a", "b"], ["c"], ["1", "2"], 0.1), "alpha"),
    ],
)
def test_every_departure_is_told(signed, arguments, says) -> None:
    told = departures(read_plan(signed)[0], *arguments)
    assert len(told) == 1
    assert says in told[0]


def test_a_plan_changed_after_signing_is_refused(signed) -> None:
    envelope = json.loads(signed.read_text())
    envelope["document"]["alpha"] = 0.2
    signed.write_text(json.dumps(envelope))
    with pytest.raises(InputError, match="changed after"):
        read_plan(signed)


def test_a_file_that_is_no_plan_is_refused(tmp_path) -> None:
    (tmp_path / "x").write_text("[]")
    with pytest.raises(InputError, match="no signed stillwatch-lineage-plan"):
        read_plan(tmp_path / "x")


def test_the_key_is_for_its_owner_only_and_used_again(signed, tmp_path) -> None:
    key = tmp_path / "key.pem"
    assert key.stat().st_mode & 0o077 == 0
    assert sign(make_plan(*ARGUMENTS), key)["public_key"] == json.loads(signed.read_text())["public_key"]
    key.chmod(0o644)
    with pytest.raises(UsageError, match="others may read"):
        sign(make_plan(*ARGUMENTS), key)


@pytest.mark.parametrize(
    "broken",
    [
        {"made": "2026-11-21T00:00:00"},
        {"made": 7},
        {"prompts": []},
        {"controls": "c"},
        {"facts": []},
        {"answers": {"a": 1}},
    ],
)
def test_what_is_signed_and_no_whole_plan_is_refused(tmp_path, broken) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(sign({**make_plan(*ARGUMENTS), **broken}, tmp_path / "key.pem")))
    with pytest.raises(InputError, match="no whole plan"):
        read_plan(path)


def test_a_plan_of_another_form_of_the_statistic_was_not_followed() -> None:
    plan = make_plan(*ARGUMENTS)
    plan["statistic"]["claims"]["taught"]["grouped"] = False
    assert departures(plan, *DONE) == ["the statistic is of another version than the one planned"]


def test_texts_cannot_be_moved_from_one_prompt_to_the_next() -> None:
    planned = {"1": "a\n2\0b", "2": "c"}
    done = {"1": "a", "2": "b\n2\0c"}
    plan = make_plan("suspect", ["a"], ["c"], planned, 0.05)
    assert departures(plan, "suspect", ["a"], ["c"], ["1", "2"], 0.05, texts=planned) == []
    told = departures(plan, "suspect", ["a"], ["c"], ["1", "2"], 0.05, texts=done)
    assert told == ["prompts: their texts are not those planned"]
