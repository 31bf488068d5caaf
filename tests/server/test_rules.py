"""The operator's own policy: tried before it judges anybody, in the log by its version, and the same until the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.errors import InputError
from stillwatch.forum.guard import shipped
from stillwatch.forum.guard.chapters import source_text
from stillwatch.forum.ledger.entries import Ruled
from stillwatch.server.compose import compose
from stillwatch.server.rules import read_rules
from tests.forum.hub.made import World, make, messages, told

OURS = """
[appeals]
days = 3
unanswered = "erase"
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from make(tmp_path)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The shipped one, but that objections are answered within three days."""
    head, _, _ = source_text().decode().partition("[appeals]")
    path = tmp_path / "policy.toml"
    path.write_text(head + OURS)
    return path


def again(world: World, folder: Path, policy: Path | None) -> World:
    database: Any = world.hub.store
    url = str(database.database.engine.url)
    return World(compose(url, folder / "keys", policy=policy), world.acme, world.globex)


def test_it_is_put_in_force_and_that_is_logged_once(world: World, tmp_path: Path, policy: Path) -> None:
    for _ in range(2):
        ours = again(world, tmp_path, policy)
    assert ours.hub.policy == read_rules(policy).policy.digest != shipped().digest
    assert (ours.hub.appeals.days, ours.hub.appeals.unanswered) == (3, "erase")
    ruled = [each for each in world.log() if isinstance(each, Ruled)]
    assert [each.policy for each in ruled] == [shipped().digest, ours.hub.policy]
    assert told(ours.submit(ours.acme, *ours.acme.author.objects(1))) == (1, 0, 0)
    assert again(world, tmp_path, None).hub.policy == shipped().digest
    assert world.remarks() == []


def test_a_policy_that_fails_its_own_examples_judges_nobody(world: World, tmp_path: Path, policy: Path) -> None:
    text = policy.read_text()
    bad = text.replace('expect = "release"', 'expect = "withhold"', 1)
    assert bad != text
    policy.write_text(bad)
    with pytest.raises(InputError, match=r"1 of [0-9]+ examples fail"):
        again(world, tmp_path, policy)
    assert [each.policy for each in world.log() if isinstance(each, Ruled)] == [shipped().digest]


@pytest.mark.parametrize("spoil", ["examples", "rule", "toml"])
def test_what_is_no_policy_is_refused(tmp_path: Path, policy: Path, spoil: str) -> None:
    text = policy.read_text()
    if spoil == "examples":
        parts = text.split("[[example]]")
        text = parts[0] + "".join("\n[" + each.partition("\n[")[2] for each in parts[1:] if "\n[" in each)
    elif spoil == "rule":
        text = text.replace('kind = "purpose"', 'kind = "anything"')
    else:
        text = text[: len(text) // 2] + '"'
    policy.write_text(text)
    with pytest.raises(InputError):
        read_rules(policy)


def test_a_file_that_changes_under_a_running_hub_changes_nothing(world: World, tmp_path: Path, policy: Path) -> None:
    url = str(world.hub.store.database.engine.url)  # type: ignore[attr-defined]
    hub: Any = compose(url, tmp_path / "keys", policy=policy, processes=2)
    try:
        policy.write_text("nonsense")
        hub.examiners.close()  # what is begun anew reads nothing again
        ours = World(hub, world.acme, world.globex)
        status = ours.submit(ours.acme, *ours.acme.author.objects(40))
        assert told(status) == (40, 0, 0), messages(status)
    finally:
        hub.examiners.close()
