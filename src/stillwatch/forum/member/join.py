"""Take part at a server: find its API root, learn the collections, make a key."""

from collections.abc import Callable, Sequence
from pathlib import Path

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import SigningKey, load_key
from stillwatch.forum.member.credentials import read_token
from stillwatch.forum.member.keys import here
from stillwatch.forum.member.state import KEY, Membership, State
from stillwatch.forum.member.taxii import Collection, Taxii, find_root
from stillwatch.forum.member.transport import WAITS, Access, Transport


def connect(membership: Membership, waits: tuple[float, ...] = WAITS) -> Taxii:
    """The server's operations, as the member.

    Raises:
        UsageError: there is no token, or not where only its owner may read it.
        MissingExtra: httpx is not installed.
    """
    return Taxii(Transport(membership.url, access_of(membership), waits=waits), membership.root)


def access_of(membership: Membership) -> Access:
    """How the server is reached."""
    token = read_token(_path(membership.token))
    ca, certificate, key = map(_path, (membership.ca, membership.certificate, membership.certificate_key))
    return Access(token, membership.user, ca, certificate, key, membership.insecure)


def join(
    state: State, membership: Membership, hub: Callable[[Transport], bool], waits: tuple[float, ...] = WAITS
) -> Membership:
    """Find the API root, learn the collections, make a signing key if there is none; all of it harmless to repeat.

    Args:
        state: of the member.
        membership: as asked for; root, limits and the key's file are filled in.
        hub: whether the server is a Stillwatch hub.
        waits: before further attempts, in seconds.

    Raises:
        UsageError: the state belongs to another server.
        MemberError: there is no TAXII 2.1, or the server refuses.
    """
    held = state.rows("SELECT value FROM setting WHERE name = 'membership'")
    transport = Transport(membership.url, access_of(membership), waits=waits)
    try:
        root = find_root(transport, membership.url)
        if held and state.membership.root != root.url:
            raise UsageError("joined elsewhere already", where=state.membership.root, do="Use another --state")
        before = state.membership if held else membership
        key = Path(membership.key or before.key or state.folder / KEY)
        if not key.exists():
            SigningKey().write(key)
        load_key(key)
        theirs = hub(transport)
        overlap = 0.0 if theirs else membership.overlap
        joined = Membership(
            **{name: getattr(membership, name) for name in Membership.__struct_fields__}
            | {"root": root.url, "most_bytes": root.most_bytes, "key": str(key.resolve()), "hub": theirs,
               "overlap": overlap, "identity": membership.identity or before.identity}
        )  # fmt: skip
        state.join(joined)
        refresh(state, Taxii(transport, root.url))
    finally:
        transport.close()
    return joined


def refresh(state: State, taxii: Taxii) -> list[Collection]:
    """Learn the collections anew; what was fetched of one that is no longer there stays.

    At a Stillwatch hub they are those of the pseudonym's sharing group: a drill's state reads nothing in earnest.
    """
    found, joined = taxii.collections(), state.membership
    if joined.hub and joined.identity:
        group = {each.id for each in here(taxii).collections if each.pseudonym == joined.identity}
        found = [each for each in found if each.id in group]
    with state.writing() as db:
        db.execute("UPDATE collection SET can_read = 0, can_write = 0")
        db.executemany(
            """INSERT INTO collection (id, title, alias, can_read, can_write) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET title = excluded.title, alias = excluded.alias, can_read = excluded.can_read,
            can_write = excluded.can_write""",
            [(each.id, each.title, each.alias, int(each.can_read), int(each.can_write)) for each in found],
        )
    return found


def collections(state: State, names: Sequence[str], right: str) -> list[str]:
    """Ids of the collections of these ids, aliases or titles, or of all, that may be read (``can_read``) or written.

    Raises:
        UsageError: one is not known, or there is no such right; or none is.
    """
    rows = state.rows("SELECT id, alias, title, can_read, can_write FROM collection ORDER BY id")
    may = {row[0] for row in rows if row[3 if right == "can_read" else 4]}
    chosen = []
    for name in names:
        found = next((row[0] for row in rows if name in row[:3]), None)
        if found is None or found not in may:
            do = f"Collections are: {', '.join(row[1] or row[2] or row[0] for row in rows if row[0] in may) or 'none'}"
            raise UsageError("no such collection, or not yours", where=name[:80], do=do)
        chosen.append(found)
    return chosen if names else sorted(may)


def _path(written: str) -> Path | None:
    return Path(written) if written else None
