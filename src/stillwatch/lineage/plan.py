"""Pre-registration: what will be asked and how it will be judged, dated and signed before anything is asked.

Without one, a search over candidates, prompts and statistics until something is significant would look the same in a
report as a single test. ``departures`` names every way in which a run is not the one planned, and ``trace`` refuses it
unless it is told that the run is exploratory. The date is the signer's word: publish the plan for more.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.claims import QUESTIONS
from stillwatch.lineage.identity import about_identity
from stillwatch.lineage.interface import FEWEST_PROMPTS, Card
from stillwatch.lineage.signing import read_signed
from stillwatch.lineage.views.interface import TRUNCATE

TYPE: Final = "stillwatch-lineage-plan/2"
#: Kinds of evidence beside the texts' likeness that a plan can name, each by the digest of a file.
BESIDE: Final = ("watermark", "canaries", "campaigns")
#: What a plan can fix of each model, by digest: its row in ``models.csv``, and its answers.
PINNED: Final = ("facts", "answers")
NONE: Final[Mapping[str, Mapping[str, str]]] = {}


def statistic() -> dict[str, Any]:
    """Everything of the method that could be varied to get another answer."""
    return {
        "truncate": TRUNCATE,
        "fewest_prompts": FEWEST_PROMPTS,
        "claims": {
            q.kind: {"views": list(q.views), "beside": list(q.beside), "by_prompt": q.by_prompt, "grouped": q.grouped}
            for q in QUESTIONS
        },
        "calibration": "hierarchical conformal over families, documented nulls where enough, mean over versions of a "
        "candidate, maximum over candidates",
    }


def make_plan(
    suspect: str, candidates: Sequence[str], controls: Sequence[str], prompts: Mapping[str, str], alpha: float, *,
    beside: Mapping[str, Sequence[str]] | None = None, together: str = "", pins: Mapping[str, Mapping[str, str]] = NONE,
    now: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A plan, unsigned.

    Args:
        suspect, candidates, controls: names of models.
        prompts: key -> text. They are named by their number and digests of their keys and texts; those about identity
            are not asked, and not planned.
        alpha: family-wise error rate of each claim.
        beside: kind of evidence (``BESIDE``) -> digests of the files that it will rest on.
        together: why watermark and canaries are independent, if their p-values shall be combined; else empty.
        pins: ``pinned`` of the models whose answers or facts are at hand.
        now: the plan's date.
    """
    asked = {key: text for key, text in prompts.items() if not about_identity(text)}
    if not candidates or not asked:
        raise UsageError("a plan needs a suspect, candidates and prompts")
    planned = {kind: sorted((beside or {}).get(kind, ())) for kind in BESIDE}
    if together and sum(bool(planned[kind]) for kind in ("watermark", "canaries")) < 2:
        raise UsageError("only a watermark and canaries can be combined", do="Name both, or leave --combine away.")
    return {
        "type": TYPE,
        "made": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "suspect": suspect,
        "candidates": sorted(candidates),
        "controls": sorted(controls),
        "prompts": {"count": len(asked), "sha256": digest(asked), "texts": digest(f"{k}\0{asked[k]}" for k in asked)},
        "statistic": statistic(),
        "alpha": alpha,
        "beside": planned,
        "together": together,
        **{what: dict(sorted(pins.get(what, {}).items())) for what in PINNED},
    }


def pinned(cards: Iterable[Card], answers: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Digests, by model, of what ``models.csv`` and folders say of it and of its answers."""
    return {
        "facts": {
            card.name: digest(
                [json.dumps([card.family, card.group, card.base, card.released, card.size, card.taught_by])]
            )
            for card in cards
        },
        "answers": {name: digest(f"{key}\0{text}" for key, text in given.items()) for name, given in answers.items()},
    }


def digest(prompts: Iterable[str]) -> str:
    """SHA-256 of strings as lines of JSON, so that where one ends is never in doubt; each once, in sorted order."""
    return hashlib.sha256("\n".join(map(json.dumps, sorted(set(prompts)))).encode("ascii")).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as a plan names it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_plan(path: Path) -> tuple[dict[str, Any], str]:
    """The plan in a signed envelope and its signer's public key.

    Raises:
        InputError: it is no plan, or the signature is not of it.
    """
    plan, signer = read_signed(path, TYPE)
    try:
        whole = (
            datetime.fromisoformat(plan["made"]).tzinfo is not None
            and isinstance(plan["suspect"], str)
            and isinstance(plan["together"], str)
            and isinstance(plan["alpha"], int | float)
            and isinstance(plan["statistic"], dict)
            and {"count", "sha256", "texts"} <= set(plan["prompts"])
            and all(_strings(each) for each in (plan["candidates"], plan["controls"]))
            and all(_strings(plan["beside"][kind]) for kind in BESIDE)
            and all(_strings(list(plan[what].values())) for what in PINNED)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        whole = False
    if not whole:
        raise InputError("is signed and no whole plan", where=str(path), do="Make one: stillwatch lineage plan")
    return plan, signer


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def departures(
    plan: Mapping[str, Any], suspect: str, candidates: Sequence[str], controls: Sequence[str], prompts: Sequence[str],
    alpha: float, *, texts: Mapping[str, str] | None = None, beside: Mapping[str, Sequence[str]] | None = None,
    pins: Mapping[str, Mapping[str, str]] = NONE, asked: datetime | None = None,
) -> list[str]:  # fmt: skip
    """Every way in which a run is not the one planned, in words; nothing if it is.

    Args:
        plan: what was planned.
        suspect, candidates, controls, alpha: what was done.
        prompts: keys of the prompts that the suspect answered.
        texts: of all prompts, by key, where they are at hand.
        beside: as ``make_plan`` takes it.
        pins: ``pinned`` of all models; a model that the plan names only is not held against them.
        asked: when the suspect was first asked, where its answers say so.
    """
    found = [
        f"{name} is {done!r}, planned was {plan[name]!r}"
        for name, done in (("suspect", suspect), ("alpha", alpha))
        if plan[name] != done
    ]
    for name, given in (("candidates", candidates), ("controls", controls)):
        planned, got = set(plan[name]), set(given)
        found += [f"{name}: {each} was planned and left out" for each in sorted(planned - got)]
        found += [f"{name}: {each} was not planned" for each in sorted(got - planned)]
    want = plan["prompts"]
    if (want["count"], want["sha256"]) != (len(set(prompts)), digest(prompts)):
        found.append(f"prompts: {len(set(prompts))} that are not the {want['count']} planned")
    elif texts is not None and digest(f"{key}\0{texts.get(key, '')}" for key in prompts) != want["texts"]:
        found.append("prompts: their texts are not those planned")
    for what in PINNED:
        found += [
            f"{what} of {name} differ from those planned"
            for name, held in plan[what].items()
            if pins.get(what, {}).get(name, held) != held
        ]
    if plan["statistic"] != statistic():
        found.append("the statistic is of another version than the one planned")
    if asked is not None and asked < datetime.fromisoformat(plan["made"]):
        found.append(f"the suspect was asked on {asked.isoformat(timespec='seconds')}, before the plan was made")
    for kind in BESIDE:
        planned, got = set(plan["beside"][kind]), set((beside or {}).get(kind, ()))
        found += [f"{kind}: {each[:12]}… was planned and left out" for each in sorted(planned - got)]
        found += [f"{kind}: {each[:12]}… was not planned" for each in sorted(got - planned)]
    return found
