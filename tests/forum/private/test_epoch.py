"""What was compared and joined is gone with the epoch, at the hub and the member; and was never readable there."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from stillwatch.forum.hub import times
from stillwatch.forum.hub.matching import keyholder
from stillwatch.forum.ledger import entries
from stillwatch.forum.matching import joining as protocol
from stillwatch.forum.matching.errors import MatchingError
from stillwatch.forum.member.errors import MemberError, RefusedError
from stillwatch.forum.member.matching import compare, joining
from stillwatch.forum.member.matching.client import About, Client
from stillwatch.forum.member.matching.compare import _load
from stillwatch.forum.member.matching.store import FILE
from stillwatch.schema.matching import Kept
from stillwatch.server import matching_keys
from tests.forum.private.served import NAMES, World
from tests.forum.private.test_compare import addresses, begun
from tests.forum.private.test_joining import clusters, joined, ready

WEEK = 7 * times.DAY


def kept_by(world: World) -> bytes:
    """Every byte that hub and trustee keep: their files, or of another database every row."""
    database = world.hub.store.database  # type: ignore[attr-defined]
    found = [path.read_bytes() for path in sorted(world.folder.glob("*.db*"))]
    if not database.sqlite:
        with database.reading() as connection:
            names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
            for name in sorted(names):
                rows = connection.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - our own tables
                found += [
                    bytes(each) if isinstance(each, bytes) else str(each).encode() for row in rows for each in row
                ]
    return b"\n".join(found)


def tags_of(client: Client, session: str) -> list[bytes]:
    sent = _load(client, session).tags
    return [sent[i : i + 16] for i in range(0, len(sent), 16)]


def test_neither_hub_nor_trustee_ever_holds_an_identifier_or_a_readable_tag(anywhere: World) -> None:
    secrets: list[bytes] = [value.encode() for _, value in addresses(0, 120)]
    before = anywhere.hub.matching.holder.path.read_bytes()  # type: ignore[union-attr]
    session = begun(anywhere, addresses(0, 60), addresses(40, 120))
    ready(anywhere, *NAMES)
    for name in NAMES:
        with anywhere.client(name) as client:
            joining.advance(client, clusters(name), make=name == "ada")
            if name != "cyd":
                secrets += tags_of(client, session)
            secrets += [output[0] for output in client.store.rows("SELECT output FROM pseudonym")]
            (submission,) = client.store.rows("SELECT submission FROM round")[0]
            secrets.append(bytes(submission))
    secrets += [a.value.encode() for name in NAMES for each in clusters(name).clusters for a in each.artifacts]
    assert len(secrets) > 2_000
    epoch = anywhere.hub.matching.holder.share().scope.epoch  # type: ignore[union-attr]
    held = kept_by(anywhere)
    assert [each for each in secrets if each in held] == []
    anywhere.clock.ahead = WEEK
    keyholder.current(anywhere.hub.store, anywhere.hub.matching.holder, anywhere.clock())  # type: ignore[union-attr]
    held = kept_by(anywhere)
    assert [each for each in secrets if each in held] == []
    with anywhere.hub.store.reading() as tx:
        assert [each for kind in keyholder.EPOCHAL for each in tx.records.find(kind) if each.epoch != epoch + 1] == []
    assert before != anywhere.hub.matching.holder.path.read_bytes()  # type: ignore[union-attr]


def test_nothing_goes_on_in_the_next_epoch_and_everything_may_begin_again(world: World) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    world.clock.ahead = WEEK
    with world.client("ada") as ada:
        assert ada.about.evaluated == 0
        assert compare.advance(ada, session).stage == "ended"
        with pytest.raises(MemberError, match="destroyed"):
            compare.decide(ada, session, agree=True)
        with pytest.raises(RefusedError, match="404"):
            ada.get(f"comparisons/{session}/", compare.Remote)
    again = begun(world, addresses(0, 60), addresses(40, 120))
    with world.client("bea") as bea:
        assert compare.status(bea, again).band == "10 to 99"
    epochs = [each.epoch for each in world.log() if isinstance(each, entries.Announced)]
    assert len(epochs) == 4 and len(set(epochs)) == 2
    assert world.remarks() == []


def test_what_an_epoch_ends_under_is_kept_in_no_epoch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(world, *NAMES)
    matching, real = world.hub.matching, protocol.join
    assert matching is not None

    def slow(submissions: Any, *rules: Any) -> Any:
        found = real(submissions, *rules)
        if len(submissions) > 1 and not world.clock.ahead:
            world.clock.ahead = WEEK
            keyholder.current(world.hub.store, matching.holder, world.hub.clock())
        return found

    monkeypatch.setattr(protocol, "join", slow)
    with pytest.raises(RefusedError, match=r"40[49]"):
        joined(world)
    with world.hub.store.reading() as tx:
        assert tx.records.find(Kept) == []
    assert {each.waits for each in joined(world).values()} == {""}


def test_the_member_forgets_what_was_not_shared(world: World) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    for name in ("ada", "bea"):
        with world.client(name) as client:
            compare.decide(client, session, agree=True)
    with world.client("ada") as ada:
        compare.advance(ada, session)
    world.clock.ahead = WEEK
    with world.client("ada") as ada:
        assert compare.shared(ada, session) == sorted(addresses(40, 60))
        assert compare.status(ada, session).stage == "disclosed"
    held = (world.state("ada") / FILE).read_bytes()
    assert b"198.51.100.41" in held and b"198.51.100.11" not in held


def test_a_question_of_the_last_epoch_is_refused_by_both(world: World) -> None:
    with world.client("ada") as ada:
        ada.publics()
        world.clock.ahead = WEEK
        with pytest.raises(RefusedError, match="it is"):
            ada.evaluate(addresses(0, 5))
        assert len(list(ada.store.pendings(ada.scope.epoch))) == 1


def test_a_hub_does_not_make_a_member_forget_by_naming_another_epoch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    real = Client.get
    for epoch, what in ((10_000, "is not the one of this scope"), (1, "has begun")):

        def lies(self: Client, path: str, kind: Any, epoch: int = epoch, **query: str) -> Any:
            told = real(self, path, kind, **query)
            return msgspec.structs.replace(told, epoch=epoch) if kind is About else told

        monkeypatch.setattr(Client, "get", lies)
        with pytest.raises(MatchingError, match=what), world.client("ada"):
            pass
    monkeypatch.undo()
    with world.client("ada") as ada:
        assert compare.status(ada, session).stage == "counted"


def test_epochs_end_while_nobody_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = world.hub.matching.holder  # type: ignore[union-attr]
    keyholder.current(world.hub.store, holder, world.clock())
    epoch = holder.share().scope.epoch
    monkeypatch.setattr(matching_keys, "_SECONDS", 0.05)
    real, faults = keyholder.current, iter([RuntimeError("a fault of ours"), OSError("no room on the disk")])

    def fails_at_first(*about: Any) -> Any:
        for fault in faults:
            raise fault
        return real(*about)

    monkeypatch.setattr(keyholder, "current", fails_at_first)
    matching_keys.keep_time(world.hub.store, holder, world.clock)
    world.clock.ahead = WEEK
    for _ in range(600):
        if holder.share().scope.epoch > epoch:
            break
        matching_keys.threading.Event().wait(0.05)
    assert holder.share().scope.epoch == epoch + 1
    assert any(isinstance(each, entries.Ended) for each in world.log())


def test_the_members_file_is_its_owners_alone(world: World) -> None:
    path: Path = world.state("ada") / FILE
    assert path.stat().st_mode & 0o777 == 0o600
