"""Send objects exactly once: kept before they are sent, and settled only by what the server says became of them.

    ready --POST--> sent --status--> accepted | refused | pending --status--> accepted | refused

An object is ``sent`` from before its envelope leaves until an answer is kept. Where that answer is lost, the manifest
is asked first and only what is not there is sent again; to a server that knows versions, that changes nothing either.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stillwatch.forum.member.door import Version
from stillwatch.forum.member.errors import RefusedError, UnreachableError
from stillwatch.forum.member.moments import moment, now
from stillwatch.forum.member.state import State
from stillwatch.forum.member.taxii import Status, Taxii

#: Objects and bytes in one envelope, if the server does not want less.
OBJECTS: Final = 1_000
BYTES: Final = 8 << 20
_PATIENCE: Final = 3  # answers lost, one after the other, before the push gives up
_ASKED: Final = 50  # ids in one question to the manifest
_Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of the objects that were open: how many of each."""

    accepted: int = 0
    refused: int = 0
    pending: int = 0


def enqueue(state: State, collection: str, objects: Sequence[Version]) -> int:
    """Put objects into the outbox; gives how many were not there yet. What was refused may be tried again."""
    added = 0
    with state.writing() as db:
        for each in objects:
            row = (collection, each.id, each.moment, each.version, each.body, each.digest, now())
            added += db.execute(
                """INSERT INTO outbox (collection, id, moment, version, body, digest, time, state)
                VALUES (?, ?, ?, ?, ?, ?, ?, 'ready')
                ON CONFLICT DO UPDATE SET body = excluded.body, digest = excluded.digest, state = 'ready', message = ''
                WHERE state = 'refused'""",
                row,
            ).rowcount
    return added


def push(state: State, taxii: Taxii, tell: Callable[[int], None] = lambda settled: None) -> Pushed:
    """Send what is in the outbox, and ask what became of what was sent.

    Args:
        state: of the member.
        taxii: the API root.
        tell: called after each envelope with how many objects were sent so far.

    Raises:
        MemberError: the server does not answer, or refuses an envelope whole. What is open stays in the outbox.
    """
    before = _counts(state)
    query = "SELECT DISTINCT collection FROM outbox WHERE state IN ('ready', 'sent') ORDER BY collection"
    collections = [row[0] for row in state.rows(query)]
    for collection in collections:
        _recover(state, taxii, collection)
    poll(state, taxii)
    sent = 0
    for collection in collections:
        failures = 0
        while batch := _batch(state, collection):
            try:
                _send(state, taxii, collection, batch)
            except UnreachableError:
                failures += 1
                if failures > _PATIENCE:
                    raise
                _recover(state, taxii, collection)
                continue
            failures = 0
            sent += len(batch)
            tell(sent)
    after = _counts(state)
    accepted, refused = (after.get(name, 0) - before.get(name, 0) for name in ("accepted", "refused"))
    return Pushed(accepted, refused, after.get("pending", 0))


def poll(state: State, taxii: Taxii) -> None:
    """Ask for the status of every envelope with something pending. A status that the server forgot settles nothing."""
    query = "SELECT DISTINCT status, collection FROM outbox WHERE state = 'pending' ORDER BY status"
    for id_, collection in state.rows(query):
        try:
            told = taxii.status(id_)
        except RefusedError as error:
            if error.status not in {404, 410}:
                raise
            keys = [tuple(row) for row in state.rows("SELECT id, moment FROM outbox WHERE status = ?", id_)]
            _settle_by_manifest(state, taxii, collection, keys, "pending")
            continue
        _settle(state, taxii, collection, told, _of_status(state, id_))


def _counts(state: State) -> dict[str, int]:
    return dict(state.rows("SELECT state, COUNT(*) FROM outbox GROUP BY state"))


def _of_status(state: State, id_: str) -> list[_Key]:
    query = "SELECT id, moment FROM outbox WHERE status = ? AND state = 'pending'"
    return [tuple(row) for row in state.rows(query, id_)]


def _batch(state: State, collection: str) -> list[tuple[_Key, bytes]]:
    """The next objects for one envelope, in the order in which they were put into the outbox."""
    most = min(state.membership.most_bytes or BYTES, BYTES) - 64
    query = """SELECT id, moment, body FROM outbox WHERE collection = ? AND state = 'ready'
               ORDER BY time, id, moment LIMIT ?"""
    batch: list[tuple[_Key, bytes]] = []
    size = 0
    for id_, at, body in state.rows(query, collection, OBJECTS):
        size += len(body) + 1
        if batch and size > most:
            break
        batch.append(((id_, at), body))
    return batch


def _send(state: State, taxii: Taxii, collection: str, batch: Sequence[tuple[_Key, bytes]]) -> None:
    keys = [key for key, _ in batch]
    _mark(state, collection, dict.fromkeys(keys, ("sent", "")))
    try:
        told = taxii.add(collection, b'{"objects":[' + b",".join(body for _, body in batch) + b"]}")
    except RefusedError as error:
        if error.status in {400, 413, 415, 422} and len(batch) > 1:  # one of them spoils it: halves find out which
            middle = len(batch) // 2
            _send(state, taxii, collection, batch[:middle])
            _send(state, taxii, collection, batch[middle:])
            return
        if error.status in {400, 413, 415, 422}:
            _mark(state, collection, {keys[0]: ("refused", str(error)[:500])})
            return
        _mark(state, collection, dict.fromkeys(keys, ("ready", "")))
        raise
    _settle(state, taxii, collection, told, keys)


def _settle(state: State, taxii: Taxii, collection: str, told: Status, keys: Sequence[_Key]) -> None:
    """Keep what a status says of ``keys``; what it does not name is concluded from its counts, or from the manifest."""
    outcome: dict[_Key, tuple[str, str]] = {}
    lists = {"accepted": told.successes, "refused": told.failures, "pending": told.pendings}
    named = {(each.id, _moment(each.version)): (name, each.message) for name, some in lists.items() for each in some}
    by_id = {each.id: (name, each.message) for name, some in lists.items() for each in some}
    versions = Counter(id_ for id_, _ in keys)
    for key in keys:
        found = named.get(key) or (by_id.get(key[0]) if versions[key[0]] == 1 else None)
        if found:
            outcome[key] = found
    silent = [key for key in keys if key not in outcome]
    if told.status != "complete":
        outcome |= dict.fromkeys(silent, ("pending", ""))
    elif told.failure_count == len(told.failures):
        outcome |= dict.fromkeys(silent, ("accepted", ""))
    elif told.failure_count - len(told.failures) == len(silent):
        outcome |= dict.fromkeys(silent, ("refused", "the server does not say why"))
    else:
        _mark(state, collection, outcome, told.id)
        _settle_by_manifest(state, taxii, collection, silent, "refused")
        return
    _mark(state, collection, outcome, told.id)


def _recover(state: State, taxii: Taxii, collection: str) -> None:
    """Objects whose envelope left and whose answer was never kept."""
    query = "SELECT id, moment FROM outbox WHERE collection = ? AND state = 'sent'"
    keys = [tuple(row) for row in state.rows(query, collection)]
    if keys:
        _settle_by_manifest(state, taxii, collection, keys, "ready")


def _settle_by_manifest(state: State, taxii: Taxii, collection: str, keys: Sequence[_Key], otherwise: str) -> None:
    """What the server lists was accepted; the rest is as ``otherwise`` says. So are all where nothing may be read."""
    there: set[_Key] = set()
    ids = sorted({id_ for id_, _ in keys})
    try:
        for low in range(0, len(ids), _ASKED):
            asked = {"match_id": ",".join(ids[low : low + _ASKED]), "match_version": "all"}
            cursor = ""
            while True:
                page = taxii.manifest(collection, **asked, **({"next": cursor} if cursor else {}))
                there |= {(row.id, _moment(row.version)) for row in page.rows}
                if not (page.more and page.next and page.next != cursor and page.rows):
                    break
                cursor = page.next
    except RefusedError as error:
        if error.status not in {403, 404}:
            raise
    said = "the server does not list it" if otherwise == "refused" else ""
    _mark(state, collection, {key: ("accepted", "") if key in there else (otherwise, said) for key in keys})


def _mark(state: State, collection: str, outcome: Mapping[_Key, tuple[str, str]], status: str | None = None) -> None:
    rows: list[Any] = [(name, message, status, collection, *key) for key, (name, message) in outcome.items()]
    with state.writing() as db:
        db.executemany(
            """UPDATE outbox SET state = ?, message = ?, status = COALESCE(?, status)
            WHERE collection = ? AND id = ? AND moment = ?""",
            rows,
        )


def _moment(written: str) -> int:
    try:
        return moment(written)
    except ValueError:
        return 0
