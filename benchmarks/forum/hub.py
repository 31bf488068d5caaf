"""Our hub, set up and served by its own commands."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from benchmarks.peers.server import Served, free_port, start
from stillwatch.cli.forum import forum
from stillwatch.forum.hub import membership, times
from stillwatch.forum.ledger.files import export
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.member.join import join
from stillwatch.forum.member.state import KEY, Membership, State
from stillwatch.server.compose import compose
from stillwatch.storage.database import Database
from stillwatch.storage.store import Store

_MAIN = (sys.executable, "-c", "import sys; from stillwatch.cli import main; sys.exit(main())")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the hub.

    Attributes:
        name: of the company.
        identity: its pseudonym in the sharing group.
        token: of a person who may submit and read.
        key: that it signs with.
    """

    name: str
    identity: str
    token: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that is set up and not running.

    Attributes:
        folder: of its secrets.
        database: its URL.
        members: in the order in which they were asked for.
    """

    folder: Path
    database: str
    members: tuple[Member, ...]

    def serve(self, name: str, port: int = 0, examiners: int = 0) -> Served:
        """Run it, on a free port unless one is given, with as many examiners as it likes; seen as its first member."""
        port = port or free_port()
        options = ["--port", str(port), "--rate", "100000"]
        options += ["--processes", str(examiners)] if examiners else []
        process = start([*_MAIN, "forum", "serve", *self._where, *options], port, self.folder / "hub.log")
        url = f"http://127.0.0.1:{port}/taxii2/forum/collections/{self.collection}/"
        return Served(name, url, "token", self.members[0].token, process)

    def audit(self, folder: Path, known: Sequence[str] = ()) -> str:
        """Export the log into a new ``folder`` and audit it; what the audit says if it does not pass, else "".

        ``known`` are notes of checkpoints that the log has to continue.
        """
        hub = compose(self.database, self.folder / "keys")
        hub.checkpoint()
        with hub.store.reading() as tx:
            export(tx.log, folder)
        hub.store.database.close()
        options = ["--log-key", (self.folder / "log").read_text()]
        for number, note in enumerate(known):
            path = self.folder / f"known-{number}"
            path.write_text(note)
            options += ["--known", str(path)]
        ran = CliRunner().invoke(forum, ["audit", str(folder), *options])
        return ran.output[-5000:] if ran.exit_code else ""

    @property
    def collection(self) -> str:
        """Id of its one collection."""
        return (self.folder / "collection").read_text()

    @property
    def _where(self) -> tuple[str, ...]:
        return "--database", self.database, "--keys", str(self.folder / "keys")


def new_hub(folder: Path, database: str, members: int) -> Hub:
    """Set up a hub with one collection and ``members`` members who may read and write it."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = Hub(folder, database, ())
    told = command("init", *bare._where)
    words = told.split()
    (folder / "collection").write_text(words[words.index("Collection") + 2])
    (folder / "log").write_text(words[words.index("Log") + 1])
    made = []
    for number in range(members):
        name = f"member-{number}"
        identity = command("member", "add", *bare._where, name).split()[-1]
        command("person", "add", *bare._where, name, "ann", "--role", "submitter", "--role", "analyst")
        token = command("token", "issue", *bare._where, name, "ann").strip()
        key = SigningKey()
        made.append(Member(name, identity, token, key))
        _register(database, identity, key)
    return Hub(folder, database, tuple(made))


def joined(folder: Path, url: str, member: Member, user: str = "") -> State:
    """A new state in ``folder`` of a member that has joined at ``url``."""
    state = State(folder, make=True)
    token = folder / "token"
    token.touch(0o600)
    token.write_text(member.token)
    member.key.write(folder / KEY)
    hub = not user
    membership = Membership(url, "", token=str(token), user=user, identity=member.identity)
    join(state, membership, lambda transport: hub)
    return state


def _register(database: str, identity: str, key: SigningKey) -> None:
    store = Store(Database(database))
    with store.writing() as tx:
        membership.add_key(tx, identity, key.public, times.now())
    store.database.close()


def command(*arguments: str | Path) -> str:
    """What ``stillwatch forum ...`` writes; in this process, as an interpreter takes a second to start.

    Raises:
        RuntimeError: it ended with another status than 0.
    """
    ran = CliRunner().invoke(forum, [str(each) for each in arguments])
    if ran.exit_code:
        raise RuntimeError(f"forum {' '.join(map(str, arguments))}: {ran.exception or ran.stderr[-2000:]}")
    return ran.stdout
