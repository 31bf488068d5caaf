"""The command: every verdict explained, statuses, the policy's examples, the policy in words."""

import json
import random
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stillwatch.cli.guard import guard
from stillwatch.errors import InputError, UsageError
from stillwatch.forum.guard import shipped
from stillwatch.forum.guard.chapters import source_text
from tests.forum.guard.made import fixture

AT = ("--at", "2026-11-21")
BUNDLE = "bundle--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(guard, list(arguments), standalone_mode=False)


def stored(folder: Path, *objects: Any) -> str:
    path = folder / "objects.json"
    path.write_text(json.dumps({"type": "bundle", "id": BUNDLE, "objects": list(objects)}))
    return str(path)


def test_what_may_leave(tmp_path: Path) -> None:
    told = run("check", stored(tmp_path, fixture("address"), fixture("campaign")), *AT)
    assert told.return_value == 0
    assert f"{fixture('address')['id']}: release" in told.stdout
    assert "/pattern  infrastructure: A pattern looks at" in told.stdout
    assert "[cyber-statement-2014, cisa-1503]" in told.stdout
    assert "2 release, 0 quarantine, 0 withhold" in told.stderr
    assert "No counsel has signed off" in told.stderr


def test_what_stays_is_explained_and_cannot_drive_a_terminal(tmp_path: Path) -> None:
    path = stored(tmp_path, {**fixture("client"), "x_\x1b[31mprice": 3}, fixture("note"))
    told = run("check", path, *AT, "--objections")
    assert told.return_value == 3
    assert "\x1b" not in told.stdout
    assert "withhold   /x_\\x1b[31mprice" in told.stdout
    assert "free text: counsel has to read it" in told.stdout
    assert "release " not in told.stdout
    assert "0 release, 1 quarantine, 1 withhold" in told.stderr


def test_as_json(tmp_path: Path) -> None:
    told = run("check", stored(tmp_path, fixture("note")), *AT, "--json")
    said = json.loads(told.stdout)
    assert said["outcome"] == "quarantine"
    (one,) = said["objects"]
    assert one["id"] == fixture("note")["id"]
    assert {"pointer", "outcome", "rule", "category", "sources", "reason", "sentence"} == set(one["lines"][0])


def test_objections_alone_however_they_are_printed(tmp_path: Path) -> None:
    path = stored(tmp_path, fixture("address"), {**fixture("client"), "x_price": 3})
    printed = run("check", path, *AT, "--objections").stdout
    assert fixture("address")["id"] not in printed and fixture("client")["id"] in printed
    said = json.loads(run("check", path, *AT, "--objections", "--json").stdout)
    assert said["outcome"] == "withhold"
    (one,) = said["objects"]
    assert one["id"] == fixture("client")["id"] and [line["pointer"] for line in one["lines"]] == ["/x_price"]
    whole = json.loads(run("check", path, *AT, "--json").stdout)
    assert [each["outcome"] for each in whole["objects"]] == ["release", "withhold"]
    kept = [line for line in whole["objects"][1]["lines"] if line["outcome"] != "release"]
    assert kept == one["lines"]


def test_one_verdict_of_many_is_told_once_and_of_each_if_asked(tmp_path: Path) -> None:
    ids = [f"indicator--{uuid.UUID(int=random.Random(n).getrandbits(128), version=4)}" for n in range(40)]
    drills = [{**fixture("address"), "id": id_, "labels": ["drill"]} for id_ in ids]
    path = stored(tmp_path, *drills, {**fixture("client"), "x_price": 3})
    told = run("check", path, *AT, "--objections")
    assert f"{', '.join(ids[:3])} and 37 more (40 in all): withhold" in told.stdout
    assert told.stdout.count("is of a drill") == 1 and ids[3] not in told.stdout
    assert f"{fixture('client')['id']}: withhold" in told.stdout
    assert "give --purpose drill" in told.stderr
    assert all(id_ in run("check", path, *AT, "--objections", "--verbose").stdout for id_ in ids)
    said = json.loads(run("check", path, *AT, "--objections", "--json").stdout)
    assert [each["id"] for each in said["objects"]] == [*ids, fixture("client")["id"]]
    assert "--purpose" not in run("check", path, *AT, "--purpose", "drill").stderr


@pytest.mark.parametrize(
    ("options", "status"),
    [((), 3), (("--switch", "safe-harbour=on"), 0), (("--switch", "us-rules=off"), 0), (("--purpose", "sales"), 3),
     (("--switch", "us-rules=off", "--tlp", "green"), 3),
     (("--switch", "us-rules=off", "--submitter", "identity--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"), 3)],
)  # fmt: skip
def test_circumstances(tmp_path: Path, options: tuple[str, ...], status: int) -> None:
    path = stored(tmp_path, fixture("statistic"))
    told = run("check", path, *AT, "--members-behind", "6", "--largest-share", "20", *options)
    assert told.return_value == status


@pytest.mark.parametrize("switch", ["us-rules", "us-rules=maybe"])
def test_no_position_of_a_switch(tmp_path: Path, switch: str) -> None:
    assert isinstance(run("check", stored(tmp_path), "--switch", switch).exception, UsageError)


def test_no_such_switch(tmp_path: Path) -> None:
    told = run("check", stored(tmp_path, fixture("note")), "--switch", "moon=on")
    assert isinstance(told.exception, InputError)


def test_the_examples(tmp_path: Path) -> None:
    assert run("test").return_value == 0
    path = tmp_path / "policy.toml"
    path.write_text(source_text().decode().replace('expect = "release"', 'expect = "withhold"', 1))
    told = run("test", "--policy", str(path))
    first = next(each.name for each in shipped().file.example if each.expect == "release")
    assert told.return_value == 1
    assert f"FAIL {first}" in told.stdout
    assert "1 failed" in told.stderr


def test_the_policy_in_words() -> None:
    told = run("policy").stdout
    assert "What never leaves: no rule permits it\n" in told
    assert all(each.title in told for each in shipped().file.category)
    assert all(each.citation in told for each in shipped().file.source)
    assert run("policy", "--toml").stdout.encode() == source_text()


def test_a_sign_off_that_is_added_holds(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(source_text().decode() + "\n" + run("policy", "--sign-off", 'A. "Counsel"').stdout)
    told = run("policy", "--policy", str(path)).stdout
    assert 'Signed off by: A. "Counsel", counsel, 2' in told
    assert "No counsel" not in run("check", stored(tmp_path, fixture("note")), "--policy", str(path)).stderr


def test_a_folder_is_signed_off_in_a_chapter_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(run("policy", "--toml").stdout)
    (tmp_path / "sign-off.toml").write_text(run("policy", "--policy", str(tmp_path), "--sign-off", "A. Counsel").stdout)
    assert "Signed off by: A. Counsel, counsel, 2" in run("policy", "--policy", str(tmp_path)).stdout
