"""The innocent explanations, each a null hypothesis that a campaign must reject.

An explanation *grants* families: if it is true, members agree in them for an innocent reason, and that agreement is
no evidence. What is left must still be more than natural groups of that sort show (``reference.py``). An explanation
*fits* only where its defining artifact is there: one address, one domain, one piece of software held by most of them.
The campaign's p-value is the largest over those that fit (an intersection-union test, Berger 1982).
"""

from dataclasses import dataclass

from stillwatch.schema.evidence import Family


@dataclass(frozen=True, slots=True)
class Explanation:
    """An innocent explanation.

    Attributes:
        name: as the finding names it.
        grants: families whose agreement it explains.
        needs: the explanation fits only if a few values of one of these families cover the group; empty: always fits.
        says: what it supposes, for a sentence.
    """

    name: str
    grants: frozenset[Family]
    needs: frozenset[Family]
    says: str


_INSTITUTION = frozenset(
    {Family.NETWORK, Family.PAYMENT, Family.REGISTRATION, Family.COHORT, Family.SOFTWARE, Family.TEMPO}
)

EXPLANATIONS = (
    Explanation("coincidence", frozenset(), frozenset(), "they are strangers"),
    Explanation(
        "carrier-grade NAT",
        frozenset({Family.NETWORK}),
        frozenset({Family.NETWORK}),
        "strangers behind one carrier's addresses",
    ),
    Explanation(
        "popular harness",
        frozenset({Family.SOFTWARE, Family.CONTENT, Family.CONDUCT}),
        frozenset({Family.SOFTWARE, Family.CONTENT}),
        "strangers who use the same software, with its prompts",
    ),
    Explanation(
        "enterprise behind one address",
        _INSTITUTION,
        frozenset(),
        "one organisation's people, or one person's accounts, asking for their own needs",
    ),
    Explanation(
        "classroom",
        (_INSTITUTION | {Family.CONTENT}) - {Family.PAYMENT},
        frozenset({Family.NETWORK, Family.REGISTRATION, Family.COHORT}),
        "people in one place at one time on the same exercise",
    ),
    Explanation(
        "launch-day crowd",
        frozenset({Family.COHORT, Family.TEMPO, Family.SOFTWARE, Family.CONTENT}),
        frozenset({Family.COHORT}),
        "newcomers who came for the same news",
    ),
    Explanation(
        "aggregator",
        frozenset({Family.NETWORK, Family.PAYMENT, Family.SOFTWARE, Family.TEMPO, Family.CONDUCT}),
        frozenset({Family.NETWORK, Family.SOFTWARE, Family.PAYMENT}),
        "an intermediary's accounts that carry many people's requests",
    ),
)
