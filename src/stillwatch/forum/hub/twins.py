"""Indicators of several members that say the same: which of them stands for the others now."""

from collections.abc import Iterable

import msgspec

from stillwatch.forum.hub.interface import Transaction
from stillwatch.schema.forum import Collection, Known, NewObject, State


class _Body(msgspec.Struct):
    revoked: bool = False


def standing(tx: Transaction, collection: Collection, equals: Iterable[Known]) -> dict[bytes, Known]:
    """What is said, to the first of ``equals`` whose submitter still says it: its newest version, and not withdrawn.

    A version that readers are shown no more stands for nobody: else who publishes a guess and takes it back would keep
    every other member's indicator out of sight.
    """
    released = [each for each in equals if each.state == State.RELEASED]
    if not released:
        return {}
    newest: dict[str, int] = {}
    for each in tx.objects.known(collection.number, {each.id for each in released}):
        if each.state == State.RELEASED:
            newest[each.id] = max(each.moment, newest.get(each.id, each.moment))
    said = [each for each in released if each.moment == newest[each.id]]
    bodies = tx.objects.bodies(collection.number, [each.position for each in said])
    found: dict[bytes, Known] = {}
    for each in said:
        if not msgspec.json.decode(bodies[each.position], type=_Body).revoked:
            found.setdefault(each.content, each)
    return found


def superseded(new: NewObject, before: Iterable[Known]) -> list[Known]:
    """Versions ``before`` of an indicator that say what its submitter no longer says with the ``new`` one."""
    return [
        each for each in before
        if each.type == "indicator" and each.state == State.RELEASED and each.moment < new.moment
        and (new.revoked or each.content != new.content)
    ]  # fmt: skip
