"""Members, people, sharing groups, collections, rights and pseudonyms: what the operator arranges.

A member that joins a group is given a random STIX identity id for that group, and one more for each other group, so
that peers cannot tell that two pseudonyms are one company. Only the operator can resolve one, and that is logged.

Every change of who may do what is an entry of the log, with the operator who made it: ``by``, the id of a person, which
is empty only before the house has an operator (``operator``).
"""

import base64
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from uuid import uuid4

from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Malformed
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.hub.log import append
from stillwatch.forum.ledger.ed25519 import PUBLIC
from stillwatch.forum.ledger.entries import Appointed, Enrolled, Granted, Keyed, Unkeyed
from stillwatch.forum.ledger.keys import key_id
from stillwatch.schema.forum import Collection, Group, Key, Member, Person, Pseudonym, Right, Role

#: What the shipped policy binds every collection to.
PURPOSE: Final = "defence-against-adversarial-distillation"
#: The purpose of a collection in which everything is simulated, so that an exchange can be tried.
DRILLS: Final = "drill"


def add_member(tx: Transaction, name: str, now: int, house: bool = False, certificate: str | None = None) -> Member:
    """A new member.

    Raises:
        Conflict: the name is taken.
    """
    if tx.records.one(Member, name=name):
        raise Conflict("there is a member of that name", where=name, do="Give it more with `forum member grant`")
    member = Member(uuid4().hex, name, house, certificate, now)
    tx.records.add(member)
    return member


def find_member(tx: Transaction, name: str) -> Member:
    """The member of that id or name.

    Raises:
        Absent: there is none.
    """
    found = tx.records.one(Member, id=name) or tx.records.one(Member, name=name)
    if found is None:
        raise Absent("no such member", where=name[:80])
    return found


def operator(tx: Transaction, name: str | None) -> str:
    """The id of the operator of that name, whose doing a change is; empty as long as the house has none.

    Raises:
        Forbidden: it is no operator, or nobody is named and there is one.
    """
    houses = [each.id for each in tx.records.find(Member, house=True, disabled=False)]
    people = tx.records.find(Person, member=houses, disabled=False)
    known = {each.name: each.id for each in people if Role.OPERATOR in each.roles}
    if (name or known) and name not in known:
        do = f"Name one: {', '.join(sorted(known))}" if known else "Appoint one first, naming nobody"
        raise Forbidden(
            "an operator has to answer for this" if not name else "no operator of the house",
            where=name or "--operator",
            do=do,
        )
    return known[name] if name else ""


def add_person(tx: Transaction, member: str, name: str, roles: tuple[str, ...], now: int, by: str = "") -> Person:
    """A new person of a member. Operators belong to the house alone.

    Raises:
        Absent: no such member.
        Conflict: the member has a person of that name.
        Malformed: a role that is none, or not for this member.
    """
    owner = find_member(tx, member)
    if tx.records.one(Person, member=owner.id, name=name):
        raise Conflict("the member has a person of that name", where=name)
    _check_roles(owner, name, roles)
    person = Person(uuid4().hex, owner.id, name, tuple(sorted(set(roles))), now)
    tx.records.add(person)
    append(tx, now, Appointed(time="", person=person.id, roles=person.roles, by=by))
    return person


def appoint(tx: Transaction, member: str, name: str, roles: tuple[str, ...], now: int, by: str = "") -> Person:
    """Give a person these roles and no others.

    Raises:
        Absent, Malformed: as of ``find_person`` and ``add_person``.
        Conflict: the person was shut out.
    """
    found = find_person(tx, member, name)
    if found.disabled:
        raise Conflict("the person was shut out", where=name, do="Add another person")
    _check_roles(find_member(tx, member), name, roles)
    changed = replace(found, roles=tuple(sorted(set(roles))))
    tx.records.change(Person, {"id": found.id}, roles=changed.roles)
    append(tx, now, Appointed(time="", person=found.id, roles=changed.roles, by=by))
    return changed


def _check_roles(owner: Member, name: str, roles: tuple[str, ...]) -> None:
    unknown = sorted(set(roles) - set(Role))
    if unknown or not roles:
        raise Malformed(f"no such role: {', '.join(unknown) or 'none given'}", do=f"Roles are {', '.join(Role)}")
    if Role.OPERATOR in roles and not owner.house:
        raise Malformed(
            "an operator is of the house", where=name, do="Add the member that operates the hub with --house"
        )


def find_person(tx: Transaction, member: str, name: str) -> Person:
    """The person of that name at a member.

    Raises:
        Absent: there is none.
    """
    found = tx.records.one(Person, member=find_member(tx, member).id, name=name)
    if found is None:
        raise Absent("the member has no such person", where=name[:80])
    return found


def disable(tx: Transaction, kind: type[Member] | type[Person], id_: str, now: int, by: str = "") -> None:
    """Shut a member or a person out; what they did remains on record. A person has no role from then on.

    Raises:
        Absent: there is none of that id.
    """
    if not tx.records.change(kind, {"id": id_}, disabled=True):
        raise Absent(f"no such {kind.__name__.lower()}", where=id_[:80])
    people = tx.records.find(Person, id=id_) if kind is Person else tx.records.find(Person, member=id_)
    append(tx, now, *(Appointed(time="", person=each.id, roles=(), by=by) for each in people))


def add_group(tx: Transaction, title: str, now: int) -> Group:
    """A new sharing group.

    Raises:
        Conflict: the title is taken.
    """
    if tx.records.one(Group, title=title):
        raise Conflict("there is a group of that title", where=title)
    group = Group(uuid4().hex, title, now)
    tx.records.add(group)
    return group


def add_collection(
    tx: Transaction,
    group: str,
    title: str,
    alias: str,
    now: int,
    description: str = "",
    signed: bool = True,
    purpose: str = PURPOSE,
    tlp: str = "amber+strict",
) -> Collection:
    """A new collection of a group.

    Raises:
        Absent: no such group.
        Conflict: the alias is taken.
    """
    if tx.records.one(Group, id=group) is None:
        raise Absent("no such group", where=group[:80])
    if tx.records.one(Collection, alias=alias):
        raise Conflict("there is a collection of that alias", where=alias)
    number = max((each.number for each in tx.records.find(Collection)), default=0) + 1
    collection = Collection(number, str(uuid4()), alias, title, description, group, signed, now, purpose, tlp)
    tx.records.add(collection)
    tx.objects.start(number)
    return collection


def admit(tx: Transaction, group: str, member: str, now: int, by: str = "") -> Pseudonym:
    """The member's pseudonym in the group, made if it has none.

    Raises:
        Absent: no such group or member.
    """
    owner = find_member(tx, member)
    if tx.records.one(Group, id=group) is None:
        raise Absent("no such group", where=group[:80])
    found = tx.records.one(Pseudonym, group=group, member=owner.id)
    if found is None:
        found = Pseudonym(f"identity--{uuid4()}", group, owner.id, now)
        tx.records.add(found)
        append(tx, now, Enrolled(time="", actor=found.id, group=group, by=by))
    return found


def add_key(tx: Transaction, pseudonym: str, public: bytes, now: int, by: str = "") -> Key:
    """Let a pseudonym sign with an Ed25519 public key; harmless to repeat.

    Raises:
        Absent: no such pseudonym.
        Conflict: the key is another's, or was given up.
        Malformed: it is no such key.
    """
    if tx.records.one(Pseudonym, id=pseudonym) is None:
        raise Absent("no such pseudonym", where=pseudonym[:80])
    if len(public) != PUBLIC:
        raise Malformed("an Ed25519 public key has 32 bytes", where="key")
    found = tx.records.one(Key, id=key_id(public))
    if found is None:
        encoded = base64.b64encode(public).decode()
        (entry,) = append(tx, now, Keyed(time="", actor=pseudonym, public=encoded, by=by))
        found = Key(key_id(public), pseudonym, public, now, entry=entry)
        tx.records.add(found)
    if found.pseudonym != pseudonym or found.retired is not None:
        raise Conflict("the key is another's, or was given up", where=found.id)
    return found


def retire_key(tx: Transaction, key: str, now: int, by: str = "") -> None:
    """A pseudonym gives up a key: what it signed stands, it signs no more.

    Raises:
        Absent: there is no such key in use.
    """
    found = tx.records.one(Key, id=key, retired=None)
    if found is None:
        raise Absent("no such key", where=key[:80])
    (entry,) = append(tx, now, Unkeyed(time="", actor=found.pseudonym, key=key, by=by))
    tx.records.change(Key, {"id": key}, retired=now, retired_entry=entry)


def grant(tx: Transaction, collection: str, member: str, read: bool, write: bool, now: int, by: str = "") -> Right:
    """Give a member rights in a collection, and a pseudonym in its group; the latest call counts, neither ends them.

    Raises:
        Absent: no such collection or member.
    """
    found = any_collection(tx, collection)
    owner = find_member(tx, member)
    tx.objects.lock(found.number)  # whoever reads or writes does so before this change, or is bound by it
    actor = admit(tx, found.group, owner.id, now, by)
    right = Right(found.number, owner.id, read, write)
    if not tx.records.change(Right, {"collection": found.number, "member": owner.id}, read=read, write=write):
        tx.records.add(right)
    append(tx, now, Granted(time="", actor=actor.id, collection=found.id, read=read, write=write, by=by))
    return right


def lock(tx: Transaction, collections: Iterable[str]) -> None:
    """Keep others out of all of them, before rights in several are given: what is locked comes before the log.

    Raises:
        Absent: no such collection.
    """
    for number in sorted({any_collection(tx, each).number for each in collections}):
        tx.objects.lock(number)


def any_collection(tx: Transaction, name: str) -> Collection:
    """The collection of that id or alias, whoever may read it.

    Raises:
        Absent: there is none.
    """
    found = tx.records.one(Collection, id=name) or tx.records.one(Collection, alias=name)
    if found is None:
        raise Absent("no such collection", where=name[:80])
    return found


def pseudonym_in(tx: Transaction, collection: str, member: str) -> Pseudonym:
    """The member's pseudonym in the group of a collection.

    Raises:
        Absent: it has none.
    """
    found = tx.records.one(Pseudonym, group=any_collection(tx, collection).group, member=member)
    if found is None:
        raise Absent("no member of the sharing group", where=member[:80])
    return found
