"""The parties of the demo. Each has a folder of its own, and does what it does with ``stillwatch`` commands in it."""

import json
import re
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.cli.demo.running import Ran, StepError, as_typed, free_port, run, served
from stillwatch.cli.demo.secrets import Secrets, secrets_of
from stillwatch.lab.callers import Answered, key_row, send

COLLECTION: Final = "drills"  # what was simulated goes nowhere else
KINDS: Final = ("client_ip", "payment_fingerprint")  # that are compared in private
_FOUND: Final = (0, 3)
Row = dict[str, Any]


@dataclass(slots=True)
class Provider:
    """A company that serves models: its logs, its findings, its place in the forum, its gate.

    Attributes:
        folder: everything of it, and nothing of anybody else.
        pseudonym: what the hub calls it.
        public: public half of the key that it signs with.
        port: of its gate, once it runs.
        gate: the command that serves its gate.
        ran: its commands, the last one last.
    """

    name: str
    folder: Path
    pseudonym: str = ""
    public: str = ""
    port: int = 0
    gate: str = ""
    ran: list[Ran] = field(default_factory=list)
    _secrets: Secrets | None = None

    def run(self, *arguments: str | Path, expect: Sequence[int] = (0,)) -> Ran:
        """Run a command in the folder."""
        self.ran.append(run(*arguments, cwd=self.folder, expect=expect))
        return self.ran[-1]

    def detect(self, out: str, *more: str) -> list[Row]:
        """The campaigns in its own log."""
        self.run("detect", "requests.parquet", "--accounts", "accounts.parquet", "--authorised", "authorised.toml",
                 "--out", out, *more, expect=_FOUND)  # fmt: skip
        found: list[Row] = self.json(f"{out}/campaigns.json")
        return found

    def json(self, path: str) -> Any:
        """A JSON file of it."""
        return json.loads((self.folder / path).read_text("utf-8"))

    def write(self, path: str, rows: Sequence[Row]) -> None:
        """A file of JSON lines."""
        (self.folder / path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def secrets(self) -> Secrets:
        """What of its customers nobody else may hold."""
        if self._secrets is None:
            self._secrets = secrets_of(self.folder)
        return self._secrets

    def identifiers(self, accounts: Collection[str]) -> list[tuple[str, str]]:
        """Kind and value of what ``accounts`` are reached and paid by."""
        found: set[tuple[str, str]] = set()
        for kind, name in zip(KINDS, ("requests", "accounts"), strict=True):
            table = pq.read_table(self.folder / f"{name}.parquet", columns=["account_id", kind])
            kept = table.filter(pc.is_in(table["account_id"], pa.array(sorted(accounts), pa.string())))
            found |= {(kind, value) for value in kept[kind].unique().to_pylist() if value}
        return sorted(found)

    def behind(self, identifiers: Collection[tuple[str, str]]) -> set[str]:
        """The accounts that are reached or paid by ``identifiers``."""
        found: set[str] = set()
        for kind, name in zip(KINDS, ("requests", "accounts"), strict=True):
            values = pa.array([value for each, value in identifiers if each == kind], pa.string())
            table = pq.read_table(self.folder / f"{name}.parquet", columns=["account_id", kind])
            found |= set(table.filter(pc.is_in(table[kind], values))["account_id"].unique().to_pylist())
        return found

    def to_come(self) -> list[Row]:
        """Requests that its customers are about to send, in time."""
        names = ["account_id", "prompt", "system_prompt", "model", "user_agent"]
        rows: list[Row] = pq.read_table(self.folder / "to_come.parquet", columns=names).to_pylist()
        return [row for row in rows if row["prompt"]]

    def programme(self) -> frozenset[str]:
        """Its accounts that an authorised programme names."""
        text = (self.folder / "authorised.toml").read_text("utf-8")
        return frozenset(re.findall(r'"(acct_\w+)"', text))

    def publish(self, *sources: str) -> str:
        """Publish what is known to the gate; what the command says of it."""
        known = ("--authorised", "authorised.toml", "--accounts", "accounts.parquet", "--allow-simulated")
        return self.run("gate", "publish", "--state", "gate", "--policy", "policy.toml", *known, *sources).out

    def open_gate(self, stack: ExitStack) -> None:
        """A simulated model's server, and the gate before it, for as long as ``stack``."""
        shipped = resources.files("stillwatch.cli.demo").joinpath("policy.toml").read_bytes()
        (self.folder / "policy.toml").write_bytes(shipped)
        known = pq.read_table(self.folder / "accounts.parquet", columns=["account_id", "organization_id", "tier"])
        self.write("keys.ndjson", [key_row(*row.values()) for row in known.to_pylist()])
        self.publish()
        model, self.port = free_port(), free_port()
        stack.enter_context(
            served("lab", "model", "--port", str(model), port=model, cwd=self.folder, log=self.folder / "model.log")
        )
        words = ("gate", "serve", "--upstream", f"http://127.0.0.1:{model}", "--state", "gate", "--log", "tap",
                 "--policy", "policy.toml", "--keys", "keys.ndjson", "--port", str(self.port))  # fmt: skip
        self.gate = as_typed(*words)
        stack.enter_context(served(*words, port=self.port, cwd=self.folder, log=self.folder / "gate.log"))

    def send(self, rows: Sequence[Row]) -> list[Answered]:
        """Its customers' requests, to its gate."""
        return send(self.port, rows)

    def decisions(self) -> list[Row]:
        """What the gate has written down of its decisions above allow."""
        files = sorted((self.folder / "tap" / "_decisions").rglob("*"))
        whole = b"".join(path.read_bytes().rstrip(b"\0") for path in files if path.is_file())  # a segment is padded
        return [json.loads(line) for line in whole.splitlines()]

    def measures(self) -> list[Row]:
        """The measures in force."""
        out = self.run("gate", "measures", "--state", "gate", "--json").out
        return [json.loads(line) for line in out.splitlines()]


@dataclass(slots=True)
class Hub:
    """The hub, run by nobody of the providers, and the trustee, who holds the other half of the key for matching.

    Attributes:
        folder, trusted: of the hub, of the trustee.
        log_key: of its log, which auditors and members have to know.
        keys: the hub's and the trustee's, for matching.
        typed: what was typed at the hub, the last command last.
        trustee: the command that serves the trustee.
    """

    folder: Path
    trusted: Path
    port: int = 0
    trustee_port: int = 0
    log_key: str = ""
    keys: tuple[str, str] = ("", "")
    typed: list[str] = field(default_factory=list)
    trustee: str = ""

    def run(self, *arguments: str | Path) -> Ran:
        """Run a command in the hub's folder."""
        done = run(*arguments, cwd=self.folder)
        self.typed.append(done.typed)
        return done

    def open(self, stack: ExitStack) -> None:
        """Make the hub, and serve it for as long as ``stack``."""
        self.folder.mkdir(parents=True)
        self.trusted.mkdir(parents=True)
        self.port, self.trustee_port = free_port(), free_port()
        init = self.run("forum", "init", "--origin", "forum.invalid/demo", "--collection", COLLECTION, "--drill")
        self.log_key = _after(init, r"^Log (\S+)$")
        trustee = _after(run("forum", "trustee", "init", cwd=self.trusted), r"trustee key ([\w+/=]+)")
        matching = self.run("forum", "matching", "init", "--trustee", self.trustee_url, "--trustee-key", trustee)
        self.keys = (_after(matching, r"hub key ([\w+/=]+)"), trustee)
        words = ("forum", "serve", "--port", str(self.port), "--processes", "1")
        self.typed.append(as_typed(*words))
        stack.enter_context(served(*words, port=self.port, cwd=self.folder, log=self.folder / "hub.log"))

    @property
    def trustee_url(self) -> str:
        """Where the trustee answers."""
        return f"http://127.0.0.1:{self.trustee_port}"

    def open_trustee(self, stack: ExitStack, members: Sequence[Provider]) -> None:
        """Serve the trustee to ``members``, whose keys it was told, for as long as ``stack``."""
        told = {each.pseudonym: [each.public] for each in members}
        (self.trusted / "peers.json").write_text(json.dumps(told), encoding="ascii")
        port = self.trustee_port
        words = ("forum", "trustee", "serve", "--peers", "peers.json", "--port", str(port))
        self.trustee = as_typed(*words)
        stack.enter_context(served(*words, port=port, cwd=self.trusted, log=self.trusted / "trustee.log"))

    def admit(self, provider: Provider) -> None:
        """Make ``provider`` a member, who joins with a token of its own."""
        name = provider.name.lower()
        provider.pseudonym = self.run("forum", "member", "add", name, "--collection", COLLECTION).out.split()[-1]
        roles = [word for role in ("submitter", "analyst", "counsel") for word in ("--role", role)]
        self.run("forum", "person", "add", name, "ann", *roles)
        path = provider.folder / "token"
        path.touch(0o600)
        path.write_text(self.run("forum", "token", "issue", name, "ann").out.strip(), encoding="ascii")
        joined = provider.run(
            "forum", "join", f"http://127.0.0.1:{self.port}/taxii2/", "--token-file", "token", "--identity",
            provider.pseudonym, "--state", "member", "--log-key", self.log_key,
        )  # fmt: skip
        provider.public = _after(joined, r"public half (\S+?)[:;,]? ")

    def standing(self, provider: Provider, object_: str) -> Row:
        """What the hub tells ``provider`` of an object."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        token = (provider.folder / "token").read_text("ascii")
        path = f"/forum/v1/collections/{COLLECTION}/objects/{object_}/standing"
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise StepError(f"status {answer.status}: {body[:300]!r}", where=path)
        found: Row = json.loads(body)
        return found


def _after(ran: Ran, pattern: str) -> str:
    """What a command told.

    Raises:
        StepError: it did not.
    """
    found = re.search(pattern, ran.out, re.MULTILINE)
    if not found:
        raise StepError(f"does not tell {pattern!r}: {ran.out[:300]}", where=ran.typed)
    return found[1]


def until(check: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until ``check()`` is true.

    Raises:
        StepError: it does not come to pass in time.
    """
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise StepError(f"did not come to pass within {seconds:g} s", where=what)
        time.sleep(0.2)
