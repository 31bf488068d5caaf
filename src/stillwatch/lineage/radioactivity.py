"""A teacher's watermark in a suspect's texts: what is trained on marked text leans to green itself.

The mark is ``text.watermark``; the radioactivity of what is trained on it is due to Sander et al. ("Watermarking makes
language models radioactive", NeurIPS 2024). The p-value rests on the key's own draw and on nothing else: not on
controls, families or prompts. So it is exact for one key, and independent of what the suspect writes. Two checks show
that it is: controls are scored under the same key, and the suspect under other keys, drawn from this one.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from numpy.typing import ArrayLike
from scipy.stats import binom

from stillwatch.lineage.interface import Line
from stillwatch.text.watermark import Score, Watermark, score

OTHER_KEYS: Final = 39
_LEVEL: Final = 0.05
_RARE: Final = 0.01  # a check fails if chance would make it fail so seldom


@dataclass(frozen=True, slots=True)
class Radioactivity:
    """What one key finds.

    Attributes:
        suspect: its score.
        controls: model -> its score under the same key.
        others: p-values of the suspect under other keys.
    """

    suspect: Score
    controls: dict[str, Score]
    others: tuple[float, ...]


def radioactivity(
    watermark: Watermark, suspect: Sequence[ArrayLike], controls: Mapping[str, Sequence[ArrayLike]],
    prompts: Sequence[ArrayLike] = (), others: int = OTHER_KEYS, tick: Callable[[], None] = lambda: None,
) -> Radioactivity:  # fmt: skip
    """Score the suspect and the controls under the key, and the suspect under others.

    Args:
        watermark: the teacher's.
        suspect: its answers as token ids, of the unit that the mark is in.
        controls: the same of models that are known not to come from the teacher.
        prompts: what was asked; what stands in it may be copied from it and does not count.
        others: how many other keys.
        tick: called after every score.
    """

    def scored(texts: Sequence[ArrayLike], under: Watermark) -> Score:
        found = score(texts, under, prompts)
        tick()
        return found

    return Radioactivity(
        scored(suspect, watermark),
        {name: scored(texts, watermark) for name, texts in controls.items()},
        tuple(scored(suspect, _other(watermark, at)).p_value for at in range(others)),
    )


def line(found: Radioactivity, source: str) -> Line:
    """``found`` as a line of a report; ``source`` names the watermark's file by its digest."""
    own = found.suspect
    marked = sum(each.p_value <= _LEVEL for each in found.controls.values())
    strange = sum(p <= _LEVEL for p in found.others)
    doubts = []
    if found.controls and binom.sf(marked - 1, len(found.controls), _LEVEL) <= _RARE:
        doubts.append(
            f"{marked} of {len(found.controls)} controls lean to green as well: marked text is about, or it is common"
        )
    if found.others and binom.sf(strange - 1, len(found.others), _LEVEL) <= _RARE:
        doubts.append(f"{strange} of {len(found.others)} other keys find a mark too: the test does not hold here")
    return Line(
        kind="watermark",
        source=source,
        says=f"{own.green:,} of {own.scored:,} different pairs of context and token are green; without a mark "
        f"{own.share:.1%} would be, and they are {own.green / max(own.scored, 1):.1%}.",
        rests_on="the draw of the teacher's key: who has never seen marked text cannot lean to it",
        not_excluded="that the suspect is the marked model itself, or learnt from answers that others published",
        p_value=own.p_value,
        by_design=True,
        controls={name: each.p_value for name, each in found.controls.items()},
        checks=f"{marked} of {len(found.controls)} controls and {strange} of {len(found.others)} other keys have "
        f"p ≤ {_LEVEL}",
        doubts=tuple(doubts),
    )  # fmt: skip


def _other(watermark: Watermark, at: int) -> Watermark:
    """The ``at``-th other key, the same on every run and of no use for guessing the true one."""
    key = hashlib.blake2b(b"other", key=watermark.key, salt=at.to_bytes(8, "little"), digest_size=32).digest()
    return msgspec.structs.replace(watermark, key=key)
