"""Evidence of other kinds than likeness, gathered and kept apart; combined only where the plan said why beforehand.

Of what is gathered here only a watermark and canaries have p-values that rest on draws of the teacher's own. Those
draws are made independently of each other, so under the null that the suspect has seen nothing of the teacher's the two
p-values are independent, whatever texts it writes. The claims and a campaign rest on the suspect's texts and the
controls', and are never combined with anything: a candidate's marked answers make even the draws no help to a claim.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from stillwatch.errors import InputError
from stillwatch.lineage import canaries, radioactivity, telemetry
from stillwatch.lineage.calibration import holm
from stillwatch.lineage.interface import Line, Panel, Role, Together
from stillwatch.lineage.likeness import compare
from stillwatch.lineage.matching import without
from stillwatch.lineage.plan import file_digest
from stillwatch.lineage.views import VIEWS
from stillwatch.text.watermark import read, words

_VIEW = "phrases"


@dataclass(frozen=True, slots=True)
class Sources:
    """Files that hold evidence of other kinds.

    Attributes:
        watermarks: keys of teachers (``text.watermark``).
        canaries: folders of a register and its opened canaries.
        campaigns: files ``campaigns.json``.
        tokens: model -> prompt -> token ids, where the mark is not in words.
    """

    watermarks: tuple[Path, ...] = ()
    canaries: tuple[Path, ...] = ()
    campaigns: tuple[Path, ...] = ()
    tokens: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)

    def digests(self) -> dict[str, list[str]]:
        """What a plan names them by."""
        return {
            "watermark": [file_digest(path) for path in self.watermarks],
            "canaries": [file_digest(canaries.registered(path)) for path in self.canaries],
            "campaigns": [file_digest(path) for path in self.campaigns],
        }


def gather(
    sources: Sources, panel: Panel, prompts: Mapping[str, str], topics: Mapping[str, Sequence[str]], candidate: str,
    *, threads: int = 4, tick: Callable[[], None] = lambda: None,
) -> tuple[Line, ...]:  # fmt: skip
    """Every line of evidence that the sources give on the panel's suspect.

    Args:
        sources: what there is.
        panel: the suspect first; controls of its own family are left out.
        prompts: texts of prompts by key, as far as they are known.
        topics: capability -> names of the cues that show it.
        candidate: the group that is nearest by the claim ``taught``.
        threads: prompts compared at once.
        tick: called now and then.
    """
    found: list[Line] = []
    panel = without(panel, lambda card: card.role is Role.CONTROL and card.family == panel.cards[0].family)
    digests = sources.digests()
    for path, digest in zip(sources.watermarks, digests["watermark"], strict=True):
        found.append(_watermark(path, digest[:12], panel, prompts, sources.tokens, tick))
    for path, digest in zip(sources.canaries, digests["canaries"], strict=True):
        opened, register = canaries.read(path)
        found += canaries.lines(opened, panel, f"register {digest[:12]} of {register['made']}", prompts)
    if sources.campaigns:
        members = [at for at, card in enumerate(panel.cards) if card.group == candidate and card.role is Role.CANDIDATE]
        near = np.fmax.reduce(
            [compare(panel.texts, VIEWS[_VIEW], of=member, threads=threads).by_prompt for member in members]
        )
        for path, digest in zip(sources.campaigns, digests["campaigns"], strict=True):
            found += [
                telemetry.line(each, panel, prompts, topics, near, candidate, f"{path.name} {digest[:12]}")
                for each in telemetry.read_campaigns(path)
            ]
    return tuple(found)


def together(lines: Sequence[Line], why: str) -> Together | None:
    """Watermark and canaries combined by Fisher's method; None unless a reason was planned and both are there.

    Several lines of one kind count by their smallest Holm-adjusted p-value.
    """
    by_kind: dict[str, list[float]] = {}
    for line in lines:
        if line.by_design and line.p_value is not None:
            by_kind.setdefault(line.kind, []).append(line.p_value)
    if not why or len(by_kind) < 2:
        return None
    smallest = [min(holm(values)) for values in by_kind.values()]
    statistic = -2 * np.log(np.maximum(smallest, 1e-300)).sum()
    return Together(tuple(sorted(by_kind)), float(chi2.sf(statistic, 2 * len(smallest))), why)


def _watermark(
    path: Path, digest: str, panel: Panel, prompts: Mapping[str, str],
    tokens: Mapping[str, Mapping[str, Sequence[int]]], tick: Callable[[], None],
) -> Line:  # fmt: skip
    texts: dict[str, list[ArrayLike]] = {}
    for at, card in enumerate(panel.cards):
        if card.role is not Role.CANDIDATE:
            given = tokens.get(card.name, {})
            texts[card.name] = [
                given.get(key, ()) if tokens else words(row[at] or "")
                for key, row in zip(panel.prompts, panel.texts, strict=True)
            ]
    own = texts.pop(panel.cards[0].name)
    if tokens and not any(map(len, map(np.asarray, own))):
        raise InputError(f"holds no tokens of {panel.cards[0].name!r}", where="--tokens")
    asked = [] if tokens else [words(text) for text in prompts.values()]
    found = radioactivity.radioactivity(read(path), own, texts, asked, tick=tick)
    unit = "the tokens given" if tokens else "words: a mark in a model's own tokens needs their ids, --tokens"
    return radioactivity.line(found, f"key {digest}, looked for in {unit}")
