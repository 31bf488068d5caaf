"""Two members' comparison at the hub: who may take which step, one a pair, kind and epoch; every step is logged."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

import msgspec

from stillwatch.forum.hub.errors import Absent, Conflict, TooLarge, Unprocessable
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Records, Transaction
from stillwatch.forum.hub.log import append
from stillwatch.forum.hub.matching.keyholder import evaluated, still, told
from stillwatch.forum.hub.matching.matching import current, keep, kept, own, peer, public_keys
from stillwatch.forum.ledger.entries import Compared, Consented
from stillwatch.forum.matching import comparison as protocol
from stillwatch.forum.matching import messages
from stillwatch.forum.matching.comparison import CANARIES, Outcome
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.messages import TAG, Acceptance, Consent, Count, Offer, Tags
from stillwatch.schema.forum import Principal, Pseudonym
from stillwatch.schema.matching import KINDS, Comparison, Kept, Paired

_SMALLEST: Final = 1 << 10
#: Comparisons that a member may have offered and nobody has answered, lest it flood its peers.
OPEN: Final = 32
#: Offers to the same other member in an epoch that may come to nothing, lest one be made and taken back without end.
TRIES: Final = 3


def offer(hub: Hub, who: Principal, session: str, raw: bytes) -> Comparison:
    """Take an offer to another member; the same bytes again are the same comparison.

    Raises:
        Unprocessable: it is not the caller's, not of this epoch, or of kinds that are not compared.
        Absent: there is no such other member.
        Conflict: the two compare one of the kinds in this epoch already, too many offers are open, or too many to this
            member were declined or taken back.
    """
    share, now = current(hub), hub.clock()
    with told():
        made = messages.read(raw, Offer)
    terms, kinds = made.terms, made.terms.kinds
    if terms.session.hex() != session:
        raise Unprocessable("an offer of another session", where=session[:40])
    if terms.scope != share.scope:
        raise Unprocessable(f"an offer of epoch {terms.scope.epoch}; it is {share.scope.epoch}", where="terms")
    if set(kinds) - KINDS.keys() or list(kinds) != sorted(set(kinds)):
        raise Unprocessable("kinds that are not compared, or not in order", where="terms", do=f"Known: {sorted(KINDS)}")
    with hub.store.writing() as tx:
        tx.log.lock(now)
        still(tx, share)
        first = own(tx.records, who, terms.first)
        second = peer(tx.records, first, terms.second)
        with told():
            messages.signer(made, public_keys(tx.records, terms.first))
        found = tx.records.one(Comparison, session=terms.session.hex())
        if found is not None:
            if found.offer != raw:
                raise Conflict("a session that there is already", where=found.session)
            return found
        if len(tx.records.find(Comparison, first=terms.first, state="offered", limit=OPEN)) == OPEN:
            raise Conflict(f"{OPEN} offers of yours wait for an answer", do="Wait, or decline some of them")
        _check_tries(tx.records, share.scope.epoch, first, second)
        found = Comparison(
            terms.session.hex(), share.scope.epoch, terms.first, terms.second, kinds, "offered", now, raw
        )
        tx.records.add(*_pairs(tx.records, found, first, second))
        tx.records.add(found)
        append(tx, now, _entry(found, "offered"))
    return found


def listed(hub: Hub, who: Principal) -> list[Comparison]:
    """The caller's comparisons of the epoch that runs, the oldest first."""
    epoch = current(hub).scope.epoch
    with hub.store.reading() as tx:
        mine = [each.id for each in tx.records.find(Pseudonym, member=who.member)]
        found = tx.records.find(Comparison, epoch=epoch, first=mine) + tx.records.find(
            Comparison, epoch=epoch, second=mine
        )
    return sorted(found, key=lambda each: (each.time, each.session))


def one(hub: Hub, who: Principal, session: str) -> Comparison:
    """One of them.

    Raises:
        Absent: it is none of the caller's.
    """
    current(hub)
    with hub.store.reading() as tx:
        return _mine(tx.records, who, session)[0]


def accept(hub: Hub, who: Principal, session: str, raw: bytes) -> None:
    """The second member takes up the offer; harmless to repeat.

    Raises:
        Absent, Conflict, Unprocessable: there is no such offer to it, it was answered, or this is no answer to it.
    """
    with told():
        made = messages.read(raw, Acceptance)

    def step(tx: Transaction, found: Comparison, side: str) -> Comparison:
        if side != found.second:
            raise Conflict("an offer of your own", where=session[:40])
        if found.acceptance == raw:
            return found
        if found.state != "offered":
            raise Conflict(f"the offer is {found.state}", where=session[:40])
        with told():
            messages.signer(made, public_keys(tx.records, side))
            if made.offer != sha256(found.offer).digest():
                raise Unprocessable("an acceptance of another offer", where=session[:40])
        return replace(found, state="accepted", acceptance=raw)

    _step(hub, who, session, step, "accepted")


def decline(hub: Hub, who: Principal, session: str) -> None:
    """Either member ends an offer that nobody has accepted; the pair may compare these kinds by another.

    Raises:
        Absent, Conflict: there is no such offer, or it was accepted.
    """

    def step(tx: Transaction, found: Comparison, side: str) -> Comparison:
        if found.state == "declined":
            return found
        if found.state != "offered":
            raise Conflict(f"the offer is {found.state}", where=session[:40], do="Refuse your consent instead")
        tx.records.remove(Paired, session=found.session)
        return replace(found, state="declined")

    _step(hub, who, session, step, "declined")


def tags(hub: Hub, who: Principal, session: str, raw: bytes) -> None:
    """Take a member's list; with the second of the two the shared ones are counted. Harmless to repeat.

    Raises:
        Absent, Conflict: there is no such comparison, it is not accepted, or another list is there.
        TooLarge: more tags than the member had identifiers evaluated in the epoch.
        Unprocessable: no such list.
    """
    share, now = current(hub), hub.clock()
    with told():
        made = messages.read(raw, Tags)
    with hub.store.writing() as tx:
        tx.log.lock(now)
        found, side = _mine(tx.records, who, session)
        if (made.session.hex(), made.member) != (found.session, side):
            raise Unprocessable("tags of another session or member", where=session[:40])
        most = evaluated(tx, who.member, share.scope.epoch) + CANARIES
        if len(made.tags) // TAG > max(_SMALLEST, 1 << (most - 1).bit_length()):
            raise TooLarge("more tags than you had identifiers evaluated in this epoch", where=session[:40])
        held = kept(tx.records, share, f"{session} {side}")
        if found.state == "accepted" and held is None:
            keep(tx, share, f"{session} {side}", raw)
        elif found.state != "accepted" or held != raw:
            if held is None and found.state in {"counted", "disclosed", "refused"}:
                return  # counted from both lists, which are gone since
            raise Conflict("no list is awaited, or another one is there", where=session[:40])
    settle(hub, who, session)


def settle(hub: Hub, who: Principal, session: str) -> Comparison:
    """Count what both lists share, once both are there; the lists are deleted then, the outcome is kept, sealed."""
    share, now = current(hub), hub.clock()
    with hub.store.reading() as tx:
        found, _ = _mine(tx.records, who, session)
        sides = (found.first, found.second)
        lists = [kept(tx.records, share, f"{session} {side}") for side in sides]
    if found.state != "accepted" or lists[0] is None or lists[1] is None:
        return found
    with told():
        terms = messages.read(found.offer, Offer).terms
        first, second = (messages.read(each, Tags) for each in lists if each is not None)
        outcome = protocol.intersect(terms, first, second)
    count = messages.pack(outcome.count)
    with hub.store.writing() as tx:
        tx.log.lock(now)
        found, _ = _mine(tx.records, who, session)
        if found.state != "accepted":  # somebody else has counted meanwhile
            return found
        for side in sides:
            tx.records.remove(Kept, name=f"{session} {side}")
        keep(tx, share, f"{session} outcome", msgspec.msgpack.encode(outcome))
        tx.records.change(Comparison, {"session": session}, state="counted", count=count)
        append(tx, now, _entry(found, "cardinality"))
    return replace(found, state="counted", count=count)


def consent(hub: Hub, who: Principal, session: str, raw: bytes) -> None:
    """Take a member's signed decision on the disclosure; it stands, and harmless to repeat.

    Raises:
        Absent, Conflict: there is no such comparison, nothing was counted, or it decided otherwise before.
        Unprocessable: it is no decision of its on this very count.
    """
    with told():
        made = messages.read(raw, Consent)
    current(hub)
    now = hub.clock()
    with hub.store.writing() as tx:
        tx.log.lock(now)
        found, side = _mine(tx.records, who, session)
        held, others = found.first_consent, found.second_consent
        if side == found.second:
            held, others = others, held
        if held is not None or found.count is None:
            if held == raw:
                return
            raise Conflict("it is decided, or nothing is counted yet", where=session[:40])
        _check_consent(tx.records, made, messages.read(found.count, Count), side)
        agreed = made.agree and (others is None or messages.read(others, Consent).agree)
        state = "refused" if not agreed else "counted" if others is None else "disclosed"
        field = "first_consent" if side == found.first else "second_consent"
        tx.records.change(Comparison, {"session": session}, state=state, **{field: raw})
        if state == "refused":
            tx.records.remove(Kept, name=f"{session} outcome")
        statement = sha256(raw).hexdigest()
        last = [_entry(found, "disclosure")] if state == "disclosed" else []
        entry = Consented(time="", actor=side, session=session, agree=made.agree, statement=statement)
        append(tx, now, entry, *last)


def _check_consent(records: Records, made: Consent, count: Count, side: str) -> None:
    told_count = (count.session, count.at_least, count.commitment)
    if (made.session, made.at_least, made.commitment) != told_count or made.member != side:
        raise Unprocessable("a decision on another count", where=side)
    if made.agree and made.at_least == 0:
        raise Unprocessable("consent to a disclosure of fewer than 10", where=side)
    with told():
        messages.signer(made, public_keys(records, side))


def disclosure(hub: Hub, who: Principal, session: str) -> bytes:
    """Which of the caller's tags are shared, once both members have agreed.

    Raises:
        Absent: there is no such comparison, or nothing of it is disclosed.
    """
    share = current(hub)
    with hub.store.reading() as tx:
        found, side = _mine(tx.records, who, session)
        if found.state != "disclosed" or found.first_consent is None or found.second_consent is None:
            raise Absent("nothing is disclosed, as not both have agreed", where=session[:40])
        outcome = _outcome(tx.records, share, session)
        with told():
            both = messages.read(found.first_consent, Consent), messages.read(found.second_consent, Consent)
            # With keys that were given up since: the signature was checked when it came.
            keys = {each.member: messages.signer(each, public_keys(tx.records, each.member, True)) for each in both}
            return messages.pack(protocol.disclose(outcome, both, keys)[side])


def _outcome(records: Records, share: Share, session: str) -> Outcome:
    found = kept(records, share, f"{session} outcome")
    if found is None:
        raise Absent("what was counted is no longer kept", where=session[:40])
    return msgspec.msgpack.decode(found, type=Outcome)


def _mine(records: Records, who: Principal, session: str) -> tuple[Comparison, str]:
    """The comparison, and which of its two pseudonyms is the caller's."""
    found = records.one(Comparison, session=session)
    if found is not None:
        for side in (found.first, found.second):
            if records.one(Pseudonym, id=side, member=who.member):
                return found, side
    raise Absent("no such comparison of yours", where=session[:40])


def _check_tries(records: Records, epoch: int, first: Pseudonym, second: Pseudonym) -> None:
    """Refuse another offer between two companies, whatever their pseudonyms, where so many came to nothing."""
    sides = [[each.id for each in records.find(Pseudonym, member=side.member)] for side in (first, second)]
    tried = records.find(Comparison, epoch=epoch, first=sides[0], second=sides[1], state="declined", limit=TRIES)
    if len(tried) == TRIES:
        what = f"{TRIES} offers of yours to this member were declined or taken back in this epoch"
        raise Conflict(what, where=second.id, do="Wait for the next epoch, or for an offer of theirs")


def _pairs(records: Records, made: Comparison, first: Pseudonym, second: Pseudonym) -> list[Paired]:
    """What stands for the pair of companies, whatever pseudonyms they have in other groups.

    Raises:
        Conflict: one of the kinds is taken.
    """
    low, high = sorted((first.member, second.member))
    wanted = [Paired(made.epoch, low, high, kind, made.session) for kind in made.kinds]
    for each in wanted:
        if records.one(Paired, epoch=each.epoch, low=low, high=high, kind=each.kind):
            do = "Wait for the next epoch, or look for the other's offer"
            raise Conflict("you two compare this kind in this epoch already", where=each.kind, do=do)
    return wanted


def _step(
    hub: Hub, who: Principal, session: str, step: Callable[[Transaction, Comparison, str], Comparison], stage: str
) -> None:
    """Change a comparison and log it, unless nothing changes."""
    current(hub)
    now = hub.clock()
    with hub.store.writing() as tx:
        tx.log.lock(now)
        found, side = _mine(tx.records, who, session)
        after = step(tx, found, side)
        if after != found:
            values = {"state": after.state, "acceptance": after.acceptance}
            tx.records.change(Comparison, {"session": session}, **values)
            append(tx, now, _entry(found, stage))


def _entry(found: Comparison, stage: str) -> Compared:
    return Compared(
        time="", actor=found.first, other=found.second, epoch=str(found.epoch), session=found.session,
        kinds=found.kinds, stage=stage,  # type: ignore[arg-type]
    )  # fmt: skip
