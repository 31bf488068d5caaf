"""The hub put together: its database, its secrets, its guard, its log."""

from pathlib import Path

from stillwatch.forum.hub.cursors import Cursors
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Judgement, Limits
from stillwatch.server import secret, taxii
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store

#: Everything that the server does.
OPERATIONS = taxii.OPERATIONS


def compose(url: str, keys: Path, limits: Limits | None = None) -> Hub:
    """The hub over the database at ``url`` with the keys in a directory; migrates the database.

    Raises:
        UsageError: the URL or a key is not usable.
        StorageError: the database cannot be used.
    """
    root = secret.read(keys / "hub.secret")
    database = Database(url)
    migrate(database)
    cursors = Cursors(secret.derive(root, "cursors"))
    return Hub(Store(database), cursors, _judge, _verify, limits or Limits())


def _judge(found: dict[str, object]) -> Judgement:
    return Judgement("release", "", "released", "{}", "")


def _verify(found: object, keys: object) -> str | None:
    return ""
