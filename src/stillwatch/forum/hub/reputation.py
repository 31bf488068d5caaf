"""What an indicator and its source are worth, from what became of them; and how it fades. Pure.

A source is judged by the outcomes of its objects: how many independent members bear one out (they saw it, confirmed it
or submitted the same), how many refute it. The reputation is the mean of a Beta posterior whose prior is worth one good
and one bad outcome, so that nobody begins with trust, and each outcome counts half as much after 180 days.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stillwatch.forum.hub.times import DAY
from stillwatch.schema.forum import Feedback

PRIOR = (1.0, 1.0)
#: After which an outcome counts half.
OUTCOME_HALF_LIFE = 180 * DAY
#: After which the confidence in an indicator that nobody bears out is half of what its submitter stated.
CONFIDENCE_HALF_LIFE = 45 * DAY
#: Members, other than the submitter, that have to agree before anybody is told that it is so.
AGREE = 2
#: Sightings at which one asks whether an indicator matches everybody, and how far above the others'.
MANY, FAR_ABOVE = 10_000, 1_000

#: The counter-evidence that an indicator matches too much to mean anything.
TOO_MUCH = "matches-too-much"
BEARS_OUT = frozenset({"sighting", "confirmation", "corroboration"})


@dataclass(frozen=True, slots=True)
class Opinion:
    """What other members say of an object: who bears it out, who refutes it, and when the former last did.

    ``seen`` is how many accounts each of ``AGREE`` members saw it at, at least; ``broad`` who says that it matches too
    much, which those whom it matches rightly need not notice.
    """

    bearing_out: frozenset[str]
    refuting: frozenset[str]
    last: int
    seen: int
    broad: frozenset[str] = frozenset()

    @property
    def standing(self) -> str:
        """``confirmed``, ``disputed`` or ``unconfirmed``; the first two only where several members say so."""
        if len(self.refuting) >= AGREE and len(self.refuting) >= len(self.bearing_out):
            return "disputed"
        return "confirmed" if len(self.bearing_out) >= AGREE and not self.refuting else "unconfirmed"


def opinion(reports: Iterable[Feedback], submitter: str) -> Opinion:
    """What members other than the submitter say; who says both is taken to refute."""
    others = [each for each in reports if each.member != submitter]
    refuting = frozenset(each.member for each in others if each.kind == "false_positive")
    good = [each for each in others if each.kind in BEARS_OUT and each.member not in refuting]
    counts = sorted((each.count for each in others if each.kind == "sighting"), reverse=True)
    seen = counts[AGREE - 1] if len(counts) >= AGREE else 0  # one member alone could take a rival's object away
    broad = frozenset(each.member for each in others if TOO_MUCH in each.evidence)
    return Opinion(
        frozenset(each.member for each in good), refuting, max((each.time for each in good), default=0), seen, broad
    )


def suspect(found: Opinion, usual: int) -> str | None:
    """Why an object has to be looked at again, if it has to.

    Args:
        found: what members say of it.
        usual: sightings of the middle one of the collection's sighted objects.
    """
    if len(found.broad) >= AGREE:
        return "broad"
    if found.standing == "disputed":
        return "false_positives"
    return "flood" if found.seen >= MANY and found.seen >= FAR_ABOVE * max(usual, 1) else None


def source(outcomes: Iterable[tuple[Opinion, int]], now: int) -> float:
    """A source's reputation, 0 to 1, of its objects' opinions and their times."""
    good, bad = PRIOR
    for found, time in outcomes:
        weight = 0.5 ** (max(0, now - time) / OUTCOME_HALF_LIFE)
        if found.standing == "disputed":
            bad += weight
        elif found.bearing_out:
            good += weight
    return good / (good + bad)


def confidence(stated: int, since: int, now: int) -> int:
    """What is left of a stated confidence, 0 to 100, since it was stated or last borne out; in steps of five."""
    left = stated * 0.5 ** (max(0, now - since) / CONFIDENCE_HALF_LIFE)
    return int(5 * round(left / 5))
