"""What lineage takes and gives: answers of models to the same prompts, cards of what is known of them, and claims."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

#: Fewer prompts answered by all is no basis for a claim.
FEWEST_PROMPTS: Final = 200


class Role(StrEnum):
    """What a model stands for in a comparison."""

    SUSPECT = "suspect"
    CANDIDATE = "candidate"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model from outside its texts. None of it is a score: it says what may be compared with what.

    Attributes:
        name: as its answers are filed.
        role: suspect, candidate or control.
        family: models of one hand, the exchangeable unit of every p-value; the name itself where nothing is known.
        group: candidates that are answered for together (versions of one teacher); the family where nothing is known.
        base: the weights it grew from, empty if unknown.
        released: ``YYYY-MM``, empty if unknown.
        size: billions of parameters, 0 if unknown.
        taught_by: groups whose outputs it is documented to be trained on; empty for documented human data; None if
            nobody has said.
    """

    name: str
    role: Role
    family: str = ""
    group: str = ""
    base: str = ""
    released: str = ""
    size: float = 0.0
    taught_by: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """All models of a comparison and their answers; the suspect stands first.

    Attributes:
        cards: one a model.
        prompts: keys of the prompts, in order.
        texts: prompts x models; None where a model gave no answer.
    """

    cards: tuple[Card, ...]
    prompts: tuple[str, ...]
    texts: tuple[tuple[str | None, ...], ...]


class Outcome(StrEnum):
    """How a claim ends. Only ``SUPPORTED`` says anything of the suspect."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    INSUFFICIENT_CONTROLS = "insufficient controls"
    TOO_FEW_PROMPTS = "too few prompts"
    INDISTINGUISHABLE = "indistinguishable candidates"
    SHARED_STYLE = "shared-style cluster"
    VIEWS_DISAGREE = "views disagree"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate under one claim.

    Attributes:
        candidate: a model (wrapper, weights) or a group of models (taught).
        score: likeness beyond what the candidate has with controls, in their standard deviations.
        p_value: family-wise adjusted: how often a control family's best candidate does at least as well.
        by_view: the adjusted p-value in each view alone.
        likeness: mean likeness of the answers, and its 95 % interval over prompts: how well these texts were measured,
            not how far other models' would lie.
    """

    candidate: str
    score: float
    p_value: float
    by_view: dict[str, float]
    likeness: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Claim:
    """One of three claims, which are never added up.

    Attributes:
        kind: ``wrapper``, ``weights`` or ``taught``.
        says: the claim, in a sentence.
        outcome: how it ends.
        candidates: whom it names; one unless they cannot be told apart; empty unless supported or abstained among them.
        alpha: the family-wise error rate.
        families: control families that calibrated it.
        families_needed: the fewest that could have supported it.
        standings: every candidate, best first.
        null: the best candidate's score of every control, by name: what the suspect is compared with.
        via: a control that the suspect is more like than the candidate, through whom it may have come; empty if none.
        documented: whether every pair of the null is known to be unrelated; else some are only given as controls.
    """

    kind: str
    says: str
    outcome: Outcome
    candidates: tuple[str, ...]
    alpha: float
    families: int
    families_needed: int
    standings: tuple[Standing, ...]
    null: dict[str, float]
    via: str = ""
    documented: bool = True


@dataclass(frozen=True, slots=True)
class Passage:
    """Answers to one prompt that speak loudest: the phrases that suspect and candidate share and few others use."""

    prompt: str
    candidate: str
    likeness: float
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Evidence of another kind than the likeness of texts. It stands beside the claims and in none of their p-values.

    Attributes:
        kind: ``watermark``, ``canaries`` or ``campaign``.
        source: what it rests on, by name or digest.
        says: what was found, in sentences.
        rests_on: where the p-value's chance comes from.
        not_excluded: what else would show the same.
        p_value: None where there is none to be had.
        by_design: whether the p-value rests on a draw of the teacher's own, and is exact whoever wrote the texts.
        controls: the same test on controls, by name.
        checks: what those came to.
        doubts: what weakens it, in words.
    """

    kind: str
    source: str
    says: str
    rests_on: str
    not_excluded: str
    p_value: float | None
    by_design: bool
    controls: dict[str, float]
    checks: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """Lines of evidence combined, because the plan says beforehand why they are independent.

    Attributes:
        kinds: of the lines.
        p_value: by Fisher's method (1925).
        why: the argument, as it was planned.
    """

    kinds: tuple[str, ...]
    p_value: float
    why: str


@dataclass(frozen=True, slots=True)
class Shadowing:
    """What the claim ``taught`` says of shadow students, whose teachers are known: of these texts, not of people's.

    Attributes:
        found: those with a candidate for a teacher, of whom the claim named it.
        known: those with a candidate for a teacher.
        accused: those without, of whom the claim named somebody.
        clean: those without.
        prompts: the fewest that one of them answered.
        short: of how many the claim abstained for want of controls or prompts.
    """

    found: int
    known: int
    accused: int
    clean: int
    prompts: int
    short: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole result for one suspect.

    Attributes:
        suspect, prompts, models: what was compared.
        claims: the three.
        tree: ``trace.tree``.
        passages: of the nearest candidate.
        leakage: names that the suspect gives as its own, and in how many answers.
        resemblance: group -> how much more the suspect is like its documented students than like other controls, and
            the p-value among those; only groups with documented students of two families.
        warnings: what weakens the result, in words.
        version: of Stillwatch.
        beside: evidence of other kinds.
        together: some of it combined; None unless it was planned.
        shadowing: what the test says of shadow students; None if there were none.
        said: for each name of ``leakage``, the words of a few answers.
    """

    suspect: str
    prompts: int
    models: tuple[Card, ...]
    claims: tuple[Claim, ...]
    tree: tuple[tuple[str, int, int, float], ...]
    passages: tuple[Passage, ...]
    leakage: dict[str, int]
    resemblance: dict[str, tuple[float, float]]
    warnings: tuple[str, ...]
    version: str
    beside: tuple[Line, ...] = ()
    together: Together | None = None
    shadowing: Shadowing | None = None
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)
