"""Members, people, sharing groups, collections, rights and pseudonyms: what the operator arranges.

A member that joins a group is given a random STIX identity id for that group, and one more for each other group, so
that peers cannot tell that two pseudonyms are one company. Only the operator can resolve one, and that is logged.
"""

import base64
from typing import Final
from uuid import uuid4

from stillwatch.forum.hub.errors import Absent, Conflict, Malformed
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.hub.log import append
from stillwatch.forum.ledger.ed25519 import PUBLIC
from stillwatch.forum.ledger.entries import Appointed, Enrolled, Keyed, Unkeyed
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


def add_person(tx: Transaction, member: str, name: str, roles: tuple[str, ...], now: int) -> Person:
    """A new person of a member. Operators belong to the house alone.

    Raises:
        Absent: no such member.
        Conflict: the member has a person of that name.
        Malformed: a role that is none, or not for this member.
    """
    owner = find_member(tx, member)
    if tx.records.one(Person, member=owner.id, name=name):
        raise Conflict("the member has a person of that name", where=name)
    unknown = sorted(set(roles) - set(Role))
    if unknown or not roles:
        raise Malformed(f"no such role: {', '.join(unknown) or 'none given'}", do=f"Roles are {', '.join(Role)}")
    if Role.OPERATOR in roles and not owner.house:
        raise Malformed(
            "an operator is of the house", where=name, do="Add the member that operates the hub with --house"
        )
    person = Person(uuid4().hex, owner.id, name, tuple(sorted(set(roles))), now)
    tx.records.add(person)
    append(tx, now, Appointed(time="", person=person.id, roles=person.roles))
    return person


def find_person(tx: Transaction, member: str, name: str) -> Person:
    """The person of that name at a member.

    Raises:
        Absent: there is none.
    """
    found = tx.records.one(Person, member=find_member(tx, member).id, name=name)
    if found is None:
        raise Absent("the member has no such person", where=name[:80])
    return found


def disable(tx: Transaction, kind: type[Member] | type[Person], id_: str, now: int) -> None:
    """Shut a member or a person out; what they did remains on record. A person has no role from then on.

    Raises:
        Absent: there is none of that id.
    """
    if not tx.records.change(kind, {"id": id_}, disabled=True):
        raise Absent(f"no such {kind.__name__.lower()}", where=id_[:80])
    people = tx.records.find(Person, id=id_) if kind is Person else tx.records.find(Person, member=id_)
    append(tx, now, *(Appointed(time="", person=each.id, roles=()) for each in people))


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


def admit(tx: Transaction, group: str, member: str, now: int) -> Pseudonym:
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
        append(tx, now, Enrolled(time="", actor=found.id, group=group))
    return found


def add_key(tx: Transaction, pseudonym: str, public: bytes, now: int) -> Key:
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
        (entry,) = append(tx, now, Keyed(time="", actor=pseudonym, public=base64.b64encode(public).decode()))
        found = Key(key_id(public), pseudonym, public, now, entry=entry)
        tx.records.add(found)
    if found.pseudonym != pseudonym or found.retired is not None:
        raise Conflict("the key is another's, or was given up", where=found.id)
    return found


def retire_key(tx: Transaction, key: str, now: int) -> None:
    """A pseudonym gives up a key: what it signed stands, it signs no more.

    Raises:
        Absent: there is no such key in use.
    """
    found = tx.records.one(Key, id=key, retired=None)
    if found is None:
        raise Absent("no such key", where=key[:80])
    (entry,) = append(tx, now, Unkeyed(time="", actor=found.pseudonym, key=key))
    tx.records.change(Key, {"id": key}, retired=now, retired_entry=entry)


def grant(tx: Transaction, collection: str, member: str, read: bool, write: bool, now: int) -> Right:
    """Give a member rights in a collection, and a pseudonym in its group; the latest call counts.

    Raises:
        Absent: no such collection or member.
    """
    found = any_collection(tx, collection)
    owner = find_member(tx, member)
    admit(tx, found.group, owner.id, now)
    right = Right(found.number, owner.id, read, write)
    if not tx.records.change(Right, {"collection": found.number, "member": owner.id}, read=read, write=write):
        tx.records.add(right)
    return right


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
