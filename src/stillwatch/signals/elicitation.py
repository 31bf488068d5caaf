"""Elicitation: prompts that ask for what a student model is trained on. Weak alone.

Measures: for each cue of ``text.cues``, the share of an account's prompts that carry it.
Statistic and null: the bin of the share, against how many accounts are in it.
Source: Anthropic, Feb 2026 (rubric grading; "articulate the reasoning behind a completed response"); Google, Feb 2026
    (that thinking be in the user's language). On public corpora human prompts carry reasoning cues more often than
    distillation sets do (design.md), so a cue confirms and never accuses.
Innocent causes: prompt-engineering advice, which recommends the same words; judges in evaluation; teaching.
Known evasion: a system prompt or a fine phrase that the list does not know.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SHARES, SqlTrait, binned, labels, ratio, trait
from stillwatch.text.cues import CUES

_USUAL = frozenset(labels(SHARES)[:1])


def _signal(name: str, label: str) -> SqlTrait:
    kind = Kind(f"cue_{name}", Family.CONDUCT, f"share of prompts: {label}", artifact=False, ordinary=_USUAL)
    share = binned(ratio(kind.name, "cues_known"), SHARES)
    return SqlTrait(
        kind.name,
        frozenset({"prints.prompt_cues"}),
        (kind,),
        trait(kind, share, "account_activity WHERE cues_known > 0"),
    )


ELICITATION = tuple(_signal(cue.name, cue.label) for cue in CUES)
