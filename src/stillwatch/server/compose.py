"""The hub put together: its database, its secrets, its guard, its log."""

import hashlib
from pathlib import Path

from stillwatch.errors import UsageError
from stillwatch.forum.guard import Guard, Policy
from stillwatch.forum.hub.cursors import Cursors
from stillwatch.forum.hub.examine import Desk
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Limits
from stillwatch.forum.ledger import load_key, verify_object
from stillwatch.forum.ledger.entries import Ruled
from stillwatch.forum.ledger.note import Verifier, parse_verifier
from stillwatch.server import forum_api, keys_api, matching_api, secret, taxii
from stillwatch.server.examiners import Examiners, judge
from stillwatch.server.matching_keys import open_matching
from stillwatch.server.rules import read_rules
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store

#: Everything that the server does.
OPERATIONS = forum_api.with_document(
    (*taxii.OPERATIONS, *forum_api.OPERATIONS, *keys_api.OPERATIONS, *matching_api.OPERATIONS)
)


def compose(url: str, keys: Path, limits: Limits | None = None, policy: Path | None = None, processes: int = 1) -> Hub:
    """The hub over the database at ``url`` with the keys in a directory; migrates the database.

    Its policy, the shipped one unless a file or folder is given, has to pass its own examples; it is put in force, and
    that is logged. With more than one of ``processes``, so many examine what is submitted.

    Raises:
        UsageError: the URL or a key is not usable.
        InputError: the policy or a key is not what it has to be.
        StorageError: the database cannot be used.
    """
    root = secret.read(keys / "hub.secret")
    try:
        key = load_key(keys / "log.pem")
    except OSError:
        do = "Run `stillwatch forum init` first"
        raise UsageError("no readable key of the log", where=str(keys / "log.pem"), do=do) from None
    rules = read_rules(policy)
    database = Database(url)
    migrate(database)
    cursors, salts = Cursors(secret.derive(root, "cursors")), secret.derive(root, "salts")
    desk = Desk(limits or Limits(), judge(Guard(rules.policy)), verify_object)
    examiners = Examiners(desk, rules.text, processes) if processes > 1 else None
    hub = Hub(
        Store(database), cursors, desk.judge, desk.verify, key, rules.policy.digest, salts, desk.limits,
        witnesses=_witnesses(keys / "witnesses"), examiners=examiners, appeals=rules.policy.file.appeals,
        waiting=rules.policy.file.quarantine,
        matching=open_matching(keys),
    )  # fmt: skip
    _rule(hub, rules.policy)
    if examiners:
        examiners.start()
    return hub


def _witnesses(path: Path) -> tuple[Verifier, ...]:
    """The witnesses in a file, a key a line as ``stillwatch forum keygen`` prints it; none without a file."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return tuple(parse_verifier(line.strip()) for line in lines if line.strip())


def _rule(hub: Hub, policy: Policy) -> None:
    """Log the policy where another one was in force, with who signed it off: by a hash, as the log names nobody."""
    approved = tuple(hashlib.sha256(each.name.encode()).hexdigest()[:32] for each in policy.signed_off)
    version = policy.file.policy.version
    with hub.store.writing() as tx:
        if tx.log.rule(policy.digest):
            hub.log(tx, Ruled(time="", policy=policy.digest, version=version, approved_by=approved))
