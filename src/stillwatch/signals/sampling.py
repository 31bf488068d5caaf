"""Sampling: asking for what a student model learns from, the distribution and not one answer.

Measures: the share of requests that ask for log-probabilities; the share that ask for more than one answer; and the
    requests a distinct prompt where most are at a temperature that makes a second answer differ.
Statistic and null: the bin, against how many accounts are in it.
Source: Tramèr et al., USENIX Security 2016, and Carlini et al., ICML 2024, on what log-probabilities give away;
    MITRE ATLAS AML.T0024.002; rejection sampling in every published distillation recipe.
Innocent causes: classifiers read off log-probabilities; self-consistency voting; evaluation at k samples; a button
    "try again".
Known evasion: one answer, no log-probabilities.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SHARES, SqlTrait, binned, labels, ratio, trait

_REPEATS = (1.25, 2, 4, 8, 16)
_USUAL = frozenset(labels(SHARES)[:1])

LOGPROBS = Kind("logprobs", Family.CONDUCT, "share of requests for log-probabilities", False, _USUAL)
MANY = Kind("many_samples", Family.CONDUCT, "share of requests for several answers", False, _USUAL)
RESAMPLING = Kind(
    "resampling", Family.CONDUCT, "requests a distinct prompt, sampled hot", False, frozenset(labels(_REPEATS)[:1])
)


def _share(kind: Kind, column: str, field: str) -> SqlTrait:
    return SqlTrait(
        kind.name,
        frozenset({f"requests.{field}"}),
        (kind,),
        trait(kind, binned(ratio(column, f"{column}_known"), SHARES), f"account_activity WHERE {column}_known > 0"),
    )


SAMPLING = (
    _share(LOGPROBS, "logprobs", "logprobs"),
    _share(MANY, "many_samples", "n"),
    SqlTrait(
        "resampling",
        frozenset({"requests.temperature", "prints.prompt_hash"}),
        (RESAMPLING,),
        trait(
            RESAMPLING,
            binned(ratio("prompts", "distinct_prompts"), _REPEATS),
            "account_activity WHERE distinct_prompts > 0 AND prompts >= 4 AND 2 * hot > temperature_known",
        ),
    ),
)
