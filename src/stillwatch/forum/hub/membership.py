"""Members, people, sharing groups, collections, rights and pseudonyms: what the operator arranges.

A member that joins a group is given a random STIX identity id for that group, and one more for each other group, so
that peers cannot tell that two pseudonyms are one company. Only the operator can resolve one, and that is logged.
"""

from uuid import uuid4

from stillwatch.forum.hub.errors import Absent, Conflict, Malformed
from stillwatch.forum.hub.interface import Transaction
from stillwatch.schema.forum import Collection, Group, Member, Person, Pseudonym, Right, Role


def add_member(tx: Transaction, name: str, now: int, house: bool = False, certificate: str | None = None) -> Member:
    """A new member.

    Raises:
        Conflict: the name is taken.
    """
    if tx.records.one(Member, name=name):
        raise Conflict("there is a member of that name", where=name)
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


def disable(tx: Transaction, kind: type[Member] | type[Person], id_: str) -> None:
    """Shut a member or a person out; what they did remains on record.

    Raises:
        Absent: there is none of that id.
    """
    if not tx.records.change(kind, {"id": id_}, disabled=True):
        raise Absent(f"no such {kind.__name__.lower()}", where=id_[:80])


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
    tx: Transaction, group: str, title: str, alias: str, now: int, description: str = "", signed: bool = True
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
    collection = Collection(number, str(uuid4()), alias, title, description, group, signed, now)
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
    return found


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
