import json
from datetime import UTC, datetime

import pytest

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.plan import departures, make_plan, read_plan, sign

ARGUMENTS = ("suspect", ["a", "b"], ["c"], ["1", "2"], 0.05)


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
    assert departures(plan, *ARGUMENTS) == []


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
    envelope["plan"]["alpha"] = 0.2
    signed.write_text(json.dumps(envelope))
    with pytest.raises(InputError, match="changed after"):
        read_plan(signed)


def test_a_file_that_is_no_plan_is_refused(tmp_path) -> None:
    (tmp_path / "x").write_text("[]")
    with pytest.raises(InputError, match="no signed plan"):
        read_plan(tmp_path / "x")


def test_the_key_is_for_its_owner_only_and_used_again(signed, tmp_path) -> None:
    key = tmp_path / "key.pem"
    assert key.stat().st_mode & 0o077 == 0
    assert sign(make_plan(*ARGUMENTS), key)["public_key"] == json.loads(signed.read_text())["public_key"]
    key.chmod(0o644)
    with pytest.raises(UsageError, match="others may read"):
        sign(make_plan(*ARGUMENTS), key)
