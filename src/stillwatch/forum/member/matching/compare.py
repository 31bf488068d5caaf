"""Comparing identifiers with another member: offer, answer, count, decision, disclosure; each step can be repeated.

A step is stored before its message is sent. What has to be decided (whether to compare at all, whether to disclose) is
left to a person, who is shown the terms and the band; everything else ``advance`` does.
"""

import base64
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from stillwatch.errors import UsageError
from stillwatch.forum.matching import comparison, messages
from stillwatch.forum.matching.comparison import Comparison, Stage
from stillwatch.forum.matching.curve.batch import Bytes
from stillwatch.forum.matching.errors import MatchingError
from stillwatch.forum.matching.messages import Acceptance, Consent, Count, Disclosure, Offer, Tags, Terms
from stillwatch.forum.member.errors import MemberError, RefusedError
from stillwatch.forum.member.matching.client import Client
from stillwatch.forum.member.moments import now
from stillwatch.schema.matching import KINDS

_NEXT: Final = {
    "offered": "waits for the other's answer",
    "accepted": "run `compare sync`",
    "waiting": "waits for the other's list",
    "counted": "decide: run `compare disclose`",
    "consented": "waits for the other's decision",
    "disclosed": "run `compare show`",
    "few": "fewer than 10 are shared: nothing is disclosed",
    "refused": "not disclosed: a consent was refused",
    "declined": "declined",
    "ended": "its epoch is over",
    "asked": "yours to answer: run `compare answer`",
}


class Remote(msgspec.Struct, frozen=True):
    """A comparison as the hub tells of it; messages in base64."""

    session: str
    epoch: int
    first: str
    second: str
    kinds: list[str]
    state: str
    offer: str
    acceptance: str = ""
    count: str = ""
    first_consent: str = ""
    second_consent: str = ""


class _Comparisons(msgspec.Struct):
    comparisons: list[Remote]


@dataclass(frozen=True, slots=True)
class Status:
    """A comparison as a person reads it: with whom, of what, how far, the band if it is told, and what comes next."""

    session: str
    peer: str
    kinds: tuple[str, ...]
    epoch: int
    identifiers: int
    stage: str
    band: str
    next: str


def offer(client: Client, peer: str, kinds: Sequence[str], identifiers: Sequence[tuple[str, str]]) -> str:
    """Offer a member a comparison of one's identifiers of some kinds; gives the session.

    Raises:
        UsageError: no identifiers, no such peer, or one of the kinds is compared with it in this epoch already.
    """
    chosen = tuple(sorted(set(kinds)))
    terms = Terms(os.urandom(16), client.scope, chosen, client.me, peer)
    client.peer_keys(peer)
    side, made = comparison.offer(terms, client.key)
    _begin(client, side, messages.pack(made), peer, identifiers)
    session = terms.session.hex()
    try:
        advance(client, session)
    except RefusedError as error:
        if error.status in {404, 409, 422}:  # the hub knows of no such peer, or of another comparison with it
            _close(client, session, "declined")
        raise
    return session


def terms_of(client: Client, session: str) -> Offer:
    """The offer of another member, its signature checked, for a person to look at.

    Raises:
        UsageError: it is none to this member, of this epoch, of kinds that it compares.
        MatchingError: it is not signed by who it says.
    """
    remote = client.get(f"comparisons/{session}/", Remote)
    made = messages.read(base64.b64decode(remote.offer), Offer)
    client.signer(made, made.terms.first)
    terms = made.terms
    mine = terms.second == client.me and terms.session.hex() == session
    if not mine or terms.scope != client.scope or set(terms.kinds) - KINDS.keys():
        raise UsageError("not an offer to you that can be accepted", where=session)
    return made


def answer(client: Client, made: Offer, identifiers: Sequence[tuple[str, str]]) -> None:
    """Accept an offer, have one's identifiers evaluated, and send the list.

    Raises:
        UsageError: no identifiers, or one of the kinds is compared with this member in this epoch already.
    """
    session = made.terms.session.hex()
    if not client.store.rows("SELECT 1 FROM comparison WHERE session = ?", session):
        peer = client.signer(made, made.terms.first)
        side, acceptance = comparison.accept(made, client.key, peer)
        _begin(client, side, messages.pack(acceptance), made.terms.first, identifiers)
    advance(client, session)


def decline(client: Client, session: str) -> None:
    """Decline an offer, or take back one's own that nobody has accepted."""
    client.delete(f"comparisons/{session}/")
    _close(client, session, "declined")


def advance(client: Client, session: str) -> Status:
    """Do whatever needs no decision, as far as the other side lets it."""
    while not _closed(client, session):
        side = _load(client, session)
        if not _step(client, session, side):
            break
        _save(client, session, side)
    return status(client, session)


def decide(client: Client, session: str, agree: bool) -> Status:
    """Sign the decision on the disclosure, send it, and fetch what is disclosed if the other has agreed too.

    Raises:
        UsageError: nothing is counted yet. Once decided, it stands, and this changes nothing.
    """
    advance(client, session)
    side = _load(client, session)
    if side.stage is Stage.COUNTED:
        made = comparison.decide(side, agree, client.key)
        with client.store.writing() as db:
            db.execute("UPDATE comparison SET decision = ? WHERE session = ?", (messages.pack(made), session))
            _put(db, session, side)
    elif side.stage not in {Stage.CONSENTED, Stage.DISCLOSED}:
        raise UsageError(f"there is nothing to decide: it is {side.stage.value}", where=session)
    return advance(client, session)


def statuses(client: Client) -> list[Status]:
    """The member's comparisons, and offers to it in this epoch, the oldest first."""
    own = [row[0] for row in client.store.rows("SELECT session FROM comparison ORDER BY time, session")]
    found = [status(client, session) for session in own]
    for each in client.get("comparisons/", _Comparisons).comparisons:
        if each.session not in own and each.second == client.me and each.state == "offered":
            kinds = tuple(each.kinds)
            found.append(Status(each.session, each.first, kinds, each.epoch, 0, "asked", "", _NEXT["asked"]))
    return found


def status(client: Client, session: str) -> Status:
    """One comparison of the member's."""
    row = _row(client, session)
    epoch, peer, kinds, band, closed, raw = row
    stage = closed or _stage(msgspec.msgpack.decode(raw, type=Comparison), band)
    counted = client.store.rows("SELECT COUNT(*) FROM identifier WHERE session = ?", session)[0][0]
    return Status(session, peer, tuple(kinds.split(",")), epoch, counted, stage, band, _NEXT[stage])


def shared(client: Client, session: str) -> list[tuple[str, str]]:
    """The member's own identifiers that the other has too, once they are disclosed."""
    query = "SELECT kind, value FROM identifier WHERE session = ? AND shared = 1 ORDER BY kind, value"
    return [(kind, value) for kind, value in client.store.rows(query, session)]


def _stage(side: Comparison, band: str) -> str:
    if side.stage is Stage.COUNTED and side.at_least == 0:
        return "few"
    names = {Stage.AGREED: "accepted", Stage.SENT: "waiting"}
    return names.get(side.stage, side.stage.value)


def _step(client: Client, session: str, side: Comparison) -> bool:
    """One step; False where it has to wait for somebody."""
    path = f"comparisons/{session}/"
    told, decision = client.store.rows("SELECT told, decision FROM comparison WHERE session = ?", session)[0]
    first = side.terms.first == client.me
    if side.stage is Stage.OFFERED:
        client.put(path + "offer", told)
        return _accepted(client, session, side)
    if side.stage is Stage.AGREED:
        if not first:
            client.put(path + "acceptance", told)
        comparison.tags(side, _pseudonyms(client, session))
        return True
    if side.stage is Stage.SENT:
        client.put(path + "tags", messages.pack(Tags(side.terms.session, side.member, side.tags)))
        return _counted(client, session, side)
    if side.stage is Stage.CONSENTED:
        remote = _remote(client, session)
        if not (remote.first_consent if first else remote.second_consent):  # sent by counsel; anybody may go on
            client.put(path + "consent", decision)
            remote = _remote(client, session)
        return _disclosed(client, session, side, remote)
    return False


def _accepted(client: Client, session: str, side: Comparison) -> bool:
    remote = _remote(client, session)
    if not remote.acceptance:
        return False
    made = messages.read(base64.b64decode(remote.acceptance), Acceptance)
    comparison.accepted(side, made, client.signer(made, side.terms.second))
    return True


def _counted(client: Client, session: str, side: Comparison) -> bool:
    remote = _remote(client, session)
    if not remote.count:
        return False
    band = comparison.counted(side, messages.read(base64.b64decode(remote.count), Count))
    rows = client.store.rows("SELECT COUNT(*) FROM identifier WHERE session = ?", session)[0][0]
    if side.at_least > rows:
        what = f"the hub says that {band} are shared, and you sent {rows}"
        raise MatchingError(what, where=session, do="Refuse the disclosure, and report the hub to the forum.")
    client.store.db.execute("UPDATE comparison SET band = ? WHERE session = ?", (band, session))
    return True


def _disclosed(client: Client, session: str, side: Comparison, remote: Remote) -> bool:
    written = remote.second_consent if side.terms.first == client.me else remote.first_consent
    if side.peer_agrees is None and written:
        made = messages.read(base64.b64decode(written), Consent)
        comparison.peer_decided(side, made, client.signer(made, made.member))
        if not made.agree:
            _close(client, session, "refused")
            return True
    mine = client.store.rows("SELECT decision FROM comparison WHERE session = ?", session)[0][0]
    if not messages.read(mine, Consent).agree:
        _close(client, session, "refused")
        return True
    if side.peer_agrees is None:
        return False
    found = comparison.disclosed(side, client.fetch(f"comparisons/{session}/disclosure", Disclosure))
    with client.store.writing() as db:
        rows = ((session, int(place)) for place in found)
        db.executemany("UPDATE identifier SET shared = 1 WHERE session = ? AND place = ?", rows)
        db.execute("UPDATE comparison SET closed = 'disclosed' WHERE session = ?", (session,))
    return True


def _pseudonyms(client: Client, session: str) -> Bytes:
    """The pseudonyms of the identifiers of a comparison, in the order of their rows."""
    rows = client.store.rows("SELECT kind, value FROM identifier WHERE session = ? ORDER BY place", session)
    client.evaluate(rows)
    parts = []
    for kind in sorted({kind for kind, _ in rows}):
        parts.append(client.store.pseudonyms(client.scope.epoch, kind, [value for k, value in rows if k == kind]))
    return np.vstack(parts)


def _remote(client: Client, session: str) -> Remote:
    found = client.get(f"comparisons/{session}/", Remote)
    if found.state == "declined":
        _close(client, session, "declined")
    return found


def _begin(client: Client, side: Comparison, told: bytes, peer: str, identifiers: Sequence[tuple[str, str]]) -> None:
    """Store a comparison before anything of it is sent; the other's word on what was compared does not count."""
    terms, session = side.terms, side.terms.session.hex()
    rows = sorted({each for each in identifiers if each[0] in terms.kinds})
    if not rows:
        do = "Give a file that has some: stillwatch forum identifiers"
        raise UsageError(f"no identifiers of the kinds {', '.join(terms.kinds)}", where="--identifiers", do=do)
    epoch = terms.scope.epoch
    with client.store.writing() as db:
        for kind in terms.kinds:
            taken = "SELECT 1 FROM compared WHERE epoch = ? AND peer = ? AND kind = ?"
            if db.execute(taken, (epoch, peer, kind)).fetchone():
                do = "Wait for the next epoch"
                raise UsageError(f"you compared {kind} with this member in this epoch already", where=peer, do=do)
            db.execute("INSERT INTO compared VALUES (?, ?, ?, ?)", (epoch, peer, kind, session))
        db.execute(
            "INSERT INTO comparison VALUES (?, ?, ?, ?, '', ?, ?, NULL, '', ?)",
            (session, epoch, peer, ",".join(terms.kinds), msgspec.msgpack.encode(side), told, now()),
        )
        numbered = ((session, place, *row, 0) for place, row in enumerate(rows))
        db.executemany("INSERT INTO identifier VALUES (?, ?, ?, ?, ?)", numbered)


def _close(client: Client, session: str, how: str) -> None:
    """End a comparison; one that was declined before it was accepted frees its kinds for another."""
    with client.store.writing() as db:
        db.execute("UPDATE comparison SET closed = ? WHERE session = ?", (how, session))
        if how == "declined":
            db.execute("DELETE FROM compared WHERE session = ?", (session,))


def _closed(client: Client, session: str) -> bool:
    return bool(_row(client, session)[4])


def _row(client: Client, session: str) -> tuple[int, str, str, str, str, bytes]:
    query = "SELECT epoch, peer, kinds, band, closed, side FROM comparison WHERE session = ?"
    found = client.store.rows(query, session)
    if not found:
        raise UsageError("no such comparison of yours", where=session[:40], do="See `compare list`")
    row: tuple[int, str, str, str, str, bytes] = found[0]
    return row


def _load(client: Client, session: str) -> Comparison:
    raw = _row(client, session)[5]
    if not raw:
        raise MemberError("its epoch is over, and what was needed to go on is destroyed", where=session)
    return msgspec.msgpack.decode(raw, type=Comparison)


def _save(client: Client, session: str, side: Comparison) -> None:
    with client.store.writing() as db:
        _put(db, session, side)


def _put(db: sqlite3.Connection, session: str, side: Comparison) -> None:
    db.execute("UPDATE comparison SET side = ? WHERE session = ?", (msgspec.msgpack.encode(side), session))
