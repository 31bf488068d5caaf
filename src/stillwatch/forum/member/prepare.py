"""Objects on their way out: made the member's own, signed, and judged by the guard here before the hub judges again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stillwatch.forum.guard import Context, Decision, Guard, Outcome, Policy, shipped
from stillwatch.forum.ledger import load_key, sign_object
from stillwatch.forum.member.door import Bad, Version, version_of
from stillwatch.forum.member.shelf import Standing, latest, peers
from stillwatch.forum.member.state import State
from stillwatch.schema.stix import DRILL, SIGNATURE, Object, published


@dataclass(frozen=True, slots=True)
class Prepared:
    """Objects sorted by what the guard says.

    Attributes:
        ready: may leave, signed; with ``review`` also those that counsel has to look at first.
        held: what counsel would have to look at, and was not asked to.
        withheld: what does not leave.
        together: what the guard says of all of them together, if they may not travel so.
    """

    ready: tuple[Version, ...]
    held: tuple[tuple[Object, Decision], ...]
    withheld: tuple[tuple[Object, Decision], ...]
    together: str = ""


def prepare(
    state: State, objects: Sequence[Object], review: bool = False, policy: Policy | None = None, drill: bool = False
) -> Prepared:
    """Sign and judge objects for a collection. What everybody has (markings, techniques) is left out.

    Args:
        state: of the member.
        objects: STIX objects; those without an author, or by the identity that is in them, become the member's.
        review: send what the guard is unsure of to the hub's quarantine, for counsel to decide.
        policy: of the guard; the shipped one by default.
        drill: whether the collection is for drills.

    Raises:
        InputError: an object has no canonical form, or the key cannot be read.
    """
    membership = state.membership
    key = load_key(Path(membership.key))
    own = [_owned(each, membership.identity, objects) for each in objects if each.get("id") not in published()]
    signed = [
        sign_object(each, key) if each.get("type") in SIGNATURE.on else each
        for each in own
        if not (membership.identity and each.get("type") == "identity")
    ]
    context = Context(datetime.now(UTC), submitter=membership.identity)
    context = replace(context, purpose=DRILL) if drill else context
    told = Guard(policy or shipped()).decide_bundle(signed, context)
    ready: list[Version] = []
    held: list[tuple[Object, Decision]] = []
    withheld: list[tuple[Object, Decision]] = []
    unsure = told.outcome == Outcome.QUARANTINE and bool(told.lines)
    for each, decision in zip(signed, told.decisions, strict=False):
        version = version_of(each)
        if decision.outcome == Outcome.WITHHOLD or isinstance(version, Bad):
            withheld.append((each, decision))
        elif (decision.outcome == Outcome.QUARANTINE or unsure) and not review:
            held.append((each, decision))
        else:
            ready.append(version)
    return Prepared(tuple(ready), tuple(held), tuple(withheld), "; ".join(line.reason for line in told.lines))


def usable(state: State) -> Iterator[Object]:
    """The fetched objects of others that matching may use: where peers' keys are known, those whose signature is good.

    Where none are, as with servers whose objects nobody signs as we do, all but those whose signature is wrong. One's
    own are left out: what was made from a log says nothing new about it.
    """
    membership = state.membership
    trusted = [Standing.GOOD] if peers(state) else [Standing.GOOD, Standing.UNSIGNED, Standing.UNKNOWN]
    sent = {row[0] for row in state.rows("SELECT DISTINCT id FROM outbox")}
    for each in latest(state, trusted):
        if each["id"] not in sent and each.get("created_by_ref", "") != (membership.identity or None):
            yield each


def _owned(each: Object, identity: str, together: Sequence[Object]) -> Object:
    """``each`` by, and seen by, the member's pseudonym, where it was by nobody or by an identity that came along."""
    if not identity or each.get("type") in {"identity", "marking-definition"}:
        return each
    local = [other.get("id") for other in together if other.get("type") == "identity"] + [None]
    made = {**each, "created_by_ref": identity} if each.get("created_by_ref") in local else each
    seen_by = made.get("where_sighted_refs")
    if isinstance(seen_by, list) and len(seen_by) == 1 and seen_by[0] in local:
        made = {**made, "where_sighted_refs": [identity]}
    return made
