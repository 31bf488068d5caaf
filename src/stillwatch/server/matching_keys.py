"""What a keyholder finds in its directory of secrets, and the clock that ends its epochs on time.

``matching.pem`` signs its announcements, ``matching.share`` is its share of the key (both of mode 0600), and, at a hub,
``matching.json`` says who the trustee is.
"""

import base64
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta

from stillwatch.errors import InputError, StillwatchError, UsageError
from stillwatch.forum.hub import times
from stillwatch.forum.hub.interface import Store
from stillwatch.forum.hub.matching import holder, keyholder
from stillwatch.forum.hub.matching.holder import Holder
from stillwatch.forum.hub.matching.matching import Matching, Trustee
from stillwatch.forum.ledger.keys import SigningKey, load_key
from stillwatch.forum.matching import evaluation
from stillwatch.forum.matching.keys import DAYS
from stillwatch.forum.matching.messages import Name
from stillwatch.forum.matching.quotas import Quota

KEY: Final = "matching.pem"
SHARE: Final = "matching.share"
SETTINGS: Final = "matching.json"
_LOG = logging.getLogger("stillwatch.server")
_SECONDS: Final = 30.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a keyholder keeps its share: its name, epochs in days, each member's quota, and a hub's trustee."""

    name: Name
    days: Annotated[int, Meta(ge=1, le=366)] = DAYS
    an_epoch: Annotated[int, Meta(ge=1)] = Quota().an_epoch
    a_minute: Annotated[int, Meta(ge=1)] = Quota().a_minute
    trustee: Name = "trustee"
    trustee_url: str = ""
    trustee_key: str = ""


def make(keys: Path, settings: Settings, now: int | None = None) -> bytes:
    """Make a keyholder's secrets where there are none, and write its settings; gives its public key.

    Raises:
        UsageError: others may read what is there.
    """
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (keys / KEY).exists():
        SigningKey().write(keys / KEY)
    (keys / SETTINGS).write_bytes(msgspec.json.format(msgspec.json.encode(settings), indent=1) + b"\n")
    kept = open_holder(keys)
    if not kept.path.exists():
        holder.create(kept.path, kept.name, kept.epoch(times.now() if now is None else now))
    kept.share()
    return load_key(keys / KEY).public


def open_holder(keys: Path) -> Holder:
    """The keyholder whose secrets are in a directory.

    Raises:
        UsageError, InputError: they are not there, or not usable.
    """
    found = _settings(keys)
    quota = Quota(found.an_epoch, found.a_minute, found.a_minute)
    return Holder(found.name, keys / SHARE, load_key(keys / KEY).private, quota, found.days)


def open_matching(keys: Path) -> Matching | None:
    """The hub's part in private matching, or None where its operator has not begun it."""
    if not (keys / SETTINGS).exists():
        return None
    found = _settings(keys)
    public = read_public(found.trustee_key, str(keys / SETTINGS))
    if not found.trustee_url or found.trustee == found.name:
        raise InputError("says of no trustee where it is", where=str(keys / SETTINGS))
    return Matching(open_holder(keys), Trustee(found.trustee, found.trustee_url, public))


def read_public(written: str, where: str) -> bytes:
    """An Ed25519 public key in base64.

    Raises:
        UsageError: it is none.
    """
    try:
        public = base64.b64decode(written, validate=True)
    except ValueError:
        public = b""
    if len(public) != 32:
        raise UsageError("no public key in base64", where=where, do="Give the one that its holder printed")
    return public


def keep_time(store: Store, kept: Holder, clock: Callable[[], int] = times.now) -> threading.Thread:
    """End epochs as they are over, also while nobody asks for anything; compiles the kernels first, once a machine."""

    def run() -> None:
        public = np.frombuffer(kept.share().pair().public, np.uint8).reshape(1, -1)
        evaluation.evaluate(kept.share().pair(), public)
        while True:
            try:
                keyholder.current(store, kept, clock())
            except StillwatchError as error:
                _LOG.error("private matching: %s", error)
            except Exception:  # a fault of ours: it ends this look, and no epoch outlives its end for it
                _LOG.exception("private matching")
            threading.Event().wait(_SECONDS)

    thread = threading.Thread(target=run, name="matching", daemon=True)
    thread.start()
    return thread


def _settings(keys: Path) -> Settings:
    path = keys / SETTINGS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        raise UsageError("no settings of private matching", where=str(path), do="Make them with its init") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InputError(f"not the settings of private matching: {error}", where=str(path)) from None
