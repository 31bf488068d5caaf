"""The status of an envelope that was sent again while its objects waited: it follows what was decided on them since.

A decision is written into the status of the envelope that brought an object into quarantine. Whoever never got that
answer sent another envelope and asks for that one's status, which would otherwise be pending for ever.
"""

from dataclasses import replace

import msgspec

from stillwatch.forum.hub.interface import Records
from stillwatch.schema.forum import Quarantined, Submission

Detail = dict[str, str]
#: What a submitter is told of an object on which nobody decided.
OVERDUE = "not decided in time: send it again"


def caught_up(records: Records, found: Submission) -> Submission:
    """``found`` with every object that was decided on moved from pending to success or failure."""
    pendings = _details(found.pendings)
    if not pendings:
        return found
    decided = _decided(records, found, {each["id"] for each in pendings})
    successes, failures, still = _details(found.successes), _details(found.failures), []
    for each in pendings:
        held = decided.get((each["id"], each.get("version", "")))
        if held is None:
            still.append(each)
        elif held.decision == "released":
            successes.append({**each, "message": "released"})
        else:
            why = OVERDUE if held.decision == "expired" else f"rejected: {held.reason}"
            failures.append({**each, "message": why[:1000]})
    return replace(found, successes=_json(successes), failures=_json(failures), pendings=_json(still))


def _decided(records: Records, found: Submission, ids: set[str]) -> dict[tuple[str, str], Quarantined]:
    """The latest decision on each version of which none waits."""
    latest: dict[tuple[str, str], Quarantined] = {}
    waiting = set()
    for held in records.find(Quarantined, collection=found.collection, member=found.member, object=sorted(ids),
                             cause="guard", order="time"):  # fmt: skip
        key = held.object, held.version
        if held.decision is None:
            waiting.add(key)
        latest[key] = held
    return {key: held for key, held in latest.items() if key not in waiting}


def _details(written: str) -> list[Detail]:
    return msgspec.json.decode(written, type=list[Detail])


def _json(details: list[Detail]) -> str:
    return msgspec.json.encode(details).decode()
