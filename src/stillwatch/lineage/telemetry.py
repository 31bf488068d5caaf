"""Account telemetry: what a campaign against the teacher asked for, beside what the suspect is like the teacher in.

``stillwatch detect`` writes ``campaigns.json``: whose accounts asked a teacher what, on which templates and for which
capabilities. That says that answers were taken, and not by whom for which model. So it stands by itself: which of the
prompts that the suspect answered are of a kind that the campaign asked, and whether the suspect is nearer to the
candidate on those than elsewhere, more so than controls are.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.errors import InputError
from stillwatch.lineage.calibration import hierarchical_p
from stillwatch.lineage.interface import Line, Panel, Role
from stillwatch.text import CUES, fingerprint

_FEWEST: Final = 25  # prompts of a kind, and of the others, for a comparison of the two


@dataclass(frozen=True, slots=True)
class Campaign:
    """What lineage reads of a campaign.

    Attributes:
        id: its own.
        first_seen, last_seen: ``YYYY-MM-DD``.
        requests, accounts: how many.
        targets: capabilities.
        templates: anchors of a template family, and how many of them a prompt on it has.
    """

    id: str
    first_seen: str
    last_seen: str
    requests: int
    accounts: int
    targets: tuple[str, ...]
    templates: tuple[tuple[frozenset[int], int], ...]


def read_campaigns(path: Path) -> tuple[Campaign, ...]:
    """The campaigns of a ``campaigns.json``.

    Raises:
        InputError: it is none.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))
        if not isinstance(rows, list):
            raise TypeError
        return tuple(_campaign(row) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"cannot be read as campaigns ({type(error).__name__})", where=str(path),
            do="Give the campaigns.json that `stillwatch detect` wrote.",
        ) from error  # fmt: skip


def _campaign(row: Mapping[str, Any]) -> Campaign:
    return Campaign(
        str(row["id"]), str(row["first_seen"] or "")[:10], str(row["last_seen"] or "")[:10], int(row["requests"]),
        len(row["accounts"]), tuple(map(str, row["targets"])),
        tuple(
            (frozenset(int(anchor, 16) for anchor in template["anchors"]), int(template["needed"]))
            for template in row.get("templates", ())
            if template.get("needed", 0) > 0 and template.get("anchors")
        ),
    )  # fmt: skip


def covered(
    campaign: Campaign, prompts: Sequence[str], topics: Mapping[str, Sequence[str]]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which prompts are on one of the campaign's templates, and which ask for a capability that it targeted.

    Args:
        campaign: what was asked of the teacher.
        prompts: texts.
        topics: capability -> names of the cues that show it.
    """
    prints = fingerprint(pa.RecordBatch.from_pydict({"prompt": pa.array(prompts, pa.string())}))
    anchors: list[list[int] | None] = prints.column("prompt_anchors").to_pylist()
    own = [{anchor & 0xFFFFFFFFFFFFFFFF for anchor in each or ()} for each in anchors]
    on = [any(len(has & wanted) >= needed for wanted, needed in campaign.templates) for has in own]
    names = {name for target in campaign.targets for name in topics.get(target, ())}
    mask = sum(1 << cue.bit for cue in CUES if cue.name in names)
    asks = [bool((bits or 0) & mask) for bits in prints.column("prompt_cues").to_pylist()]
    return np.array(on, bool), np.array(asks, bool)


def line(
    campaign: Campaign, panel: Panel, prompts: Mapping[str, str], topics: Mapping[str, Sequence[str]],
    likeness: NDArray[np.float32], candidate: str, source: str,
) -> Line:  # fmt: skip
    """What a campaign covered of what the suspect was asked.

    Args:
        campaign: what was asked of the teacher.
        panel: the suspect first.
        prompts: texts of the panel's prompts by key; those that are not known are covered by nothing.
        topics: as ``covered`` takes it.
        likeness: prompts x models, of ``candidate`` to every model of the panel.
        candidate: the nearest one.
        source: names the file.
    """
    on, asks = covered(campaign, [prompts.get(key, "") for key in panel.prompts], topics)
    either = on | asks
    when = f"{campaign.first_seen} to {campaign.last_seen}"
    says = (
        f"Campaign {campaign.id} ({campaign.requests:,} requests of {campaign.accounts:,} accounts, {when}) asked on "
        f"{len(campaign.templates)} templates, and {on.sum():,} of {len(on):,} prompts here are on one of them; "
        f"{asks.sum():,} ask for what it targeted ({', '.join(campaign.targets) or 'nothing in particular'})."
    )
    doubts = [] if prompts else ["the prompts' texts are not known: give them with --prompts"]
    suspect = panel.cards[0]
    if suspect.released and campaign.first_seen and suspect.released < campaign.first_seen[:7]:
        doubts.append(f"the suspect was released in {suspect.released}, before the campaign began")
    p_value, controls = None, {}
    if min(either.sum(), (~either).sum()) >= _FEWEST:
        nearer = _nearer(likeness, either)
        null = {card.name: nearer[at] for at, card in enumerate(panel.cards) if card.role is Role.CONTROL}
        controls = {name: float(value) for name, value in null.items() if np.isfinite(value)}
        families = [card.family for card in panel.cards if card.role is Role.CONTROL]
        p_value = hierarchical_p(float(nearer[0]), np.array(list(null.values())), families)
        says += (
            f" On these the suspect is nearer to {candidate} than on the others by {nearer[0]:+.3f}; controls by "
            f"{np.nanmean(list(null.values())):+.3f} in the mean."
        )
    else:
        doubts.append(f"too few prompts that it covered, or did not, for a comparison: {_FEWEST} of each are needed")
    return Line(
        kind="campaign", source=source, says=says,
        rests_on="how many control families are nearer by as much; the texts are those of the claims, so it is no "
        "independent evidence",
        not_excluded="that another than the suspect's maker was behind the campaign",
        p_value=p_value, by_design=False, controls=controls, doubts=tuple(doubts),
    )  # fmt: skip


def _nearer(likeness: NDArray[np.float32], either: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Per model: its mean likeness on covered prompts less that on others, each prompt less its mean over models."""
    left = likeness - _mean(likeness, 1)[:, None]
    return _mean(left[either], 0) - _mean(left[~either], 0)


def _mean(values: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """The mean over an axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.where(known, values, 0.0).sum(axis, dtype=np.float64) / known.sum(axis)
    return found
