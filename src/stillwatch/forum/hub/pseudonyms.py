"""Who is behind a pseudonym: the operator may look it up, for a reason of a fixed list, and every time is logged."""

from stillwatch.forum.hub.errors import Absent, Forbidden
from stillwatch.forum.hub.hub import Hub, demand
from stillwatch.forum.ledger.entries import Resolved, stamp
from stillwatch.schema.forum import Member, Principal, Pseudonym, Resolving, Role


def resolve(hub: Hub, who: Principal, pseudonym: str, reason: Resolving) -> Member:
    """The member behind a pseudonym. The entry in the log and the answer are one transaction: no answer without it.

    Raises:
        Forbidden: only an operator of the house may.
        Absent: there is no such pseudonym.
    """
    demand(who, Role.OPERATOR)
    if not who.house:
        raise Forbidden("only the house resolves pseudonyms")
    with hub.store.writing() as tx:
        found = tx.records.one(Pseudonym, id=pseudonym)
        member = tx.records.one(Member, id=found.member) if found else None
        if member is None:
            raise Absent("no such pseudonym", where=pseudonym[:80])
        hub.log(tx, Resolved(time=stamp(hub.clock()), actor=pseudonym, person=who.person, reason=reason))
    return member
