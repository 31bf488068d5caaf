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
        says: what it supposes, for a sentence that begins with "If they are".
        alike: families whose artifacts make the natural groups that it is compared with.
        crowd: at least as many others must have these values too, else it is no crowd and nothing popular.
        own: the few values must be the group's own, not a webmail domain or a carrier that everybody has.
        one: a single value must cover nearly all of the group, and be hardly anybody else's.
        repeated: it fits where most sent the same prompts as others of the group. A queue deals no item out twice.
    """

    name: str
    grants: frozenset[Family]
    needs: frozenset[Family]
    says: str
    alike: frozenset[Family]
    own: bool = False
    crowd: bool = False
    one: bool = False
    repeated: bool = False


_INSTITUTION = frozenset(
    {Family.NETWORK, Family.PAYMENT, Family.REGISTRATION, Family.COHORT, Family.SOFTWARE, Family.TEMPO}
)

EXPLANATIONS = (
    Explanation("coincidence", frozenset(), frozenset(), "strangers", frozenset()),
    Explanation(
        "similar customers",
        frozenset({Family.CONDUCT, Family.TEMPO}),
        frozenset(),
        "strangers who want the same and work alike",
        frozenset(),
    ),
    Explanation(
        "carrier-grade NAT",
        frozenset({Family.NETWORK}),
        frozenset({Family.NETWORK}),
        "strangers behind one carrier's addresses",
        frozenset({Family.NETWORK}),
        crowd=True,
    ),
    Explanation(
        "popular harness",
        frozenset({Family.SOFTWARE, Family.CONTENT, Family.CONDUCT}),
        frozenset({Family.SOFTWARE, Family.CONTENT}),
        "strangers who use the same software, with its prompts",
        frozenset({Family.SOFTWARE, Family.CONTENT}),
        crowd=True,
    ),
    Explanation(
        "shared exercise or benchmark",
        frozenset({Family.SOFTWARE, Family.CONTENT, Family.CONDUCT, Family.TEMPO}),
        frozenset({Family.CONTENT}),
        "strangers who take one course or run one benchmark, item by item",
        frozenset({Family.SOFTWARE, Family.CONTENT}),
        repeated=True,
    ),
    Explanation(
        "enterprise behind one address",
        _INSTITUTION,
        frozenset(),
        "one organisation's people, or one person's accounts, asking for their own needs",
        frozenset({Family.NETWORK, Family.PAYMENT, Family.REGISTRATION}),
    ),
    Explanation(
        "one firm's own tool",
        _INSTITUTION | {Family.CONTENT},
        frozenset({Family.PAYMENT, Family.REGISTRATION}),
        "one firm's people, who do its work with its own prompts",
        frozenset({Family.NETWORK, Family.PAYMENT, Family.REGISTRATION}),
        one=True,
    ),
    Explanation(
        "classroom",
        (_INSTITUTION | {Family.CONTENT}) - {Family.PAYMENT},
        frozenset({Family.NETWORK, Family.REGISTRATION}),
        "people in one place at one time on the same exercise",
        frozenset({Family.NETWORK, Family.REGISTRATION, Family.COHORT}),
        own=True,
    ),
    Explanation(
        "launch-day crowd",
        frozenset({Family.COHORT, Family.TEMPO, Family.SOFTWARE, Family.CONTENT}),
        frozenset({Family.COHORT}),
        "newcomers who came for the same news",
        frozenset({Family.COHORT}),
        crowd=True,
    ),
    Explanation(
        "aggregator",
        frozenset({Family.NETWORK, Family.PAYMENT, Family.SOFTWARE, Family.TEMPO, Family.CONDUCT}),
        frozenset({Family.NETWORK, Family.PAYMENT}),
        "an intermediary's accounts that carry many people's requests",
        frozenset({Family.NETWORK, Family.SOFTWARE, Family.PAYMENT}),
        own=True,
    ),
)
