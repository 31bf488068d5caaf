"""Output-heavy use: short questions, long answers.

Measures: output tokens an input token over all of an account's requests; the share of its answers of 1,024 tokens or
    more; reasoning tokens an output token.
Statistic and null: the bin, against how many accounts are in it.
Source: AML.T0024.002 (extraction wants the answers); ServeGen (2025) for the ratios of real clients.
Innocent causes: writing aids, code generation, synthetic data made with permission.
Known evasion: padding the prompts. Cached padding is cheap, so this signal is weak alone.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SHARES, SqlTrait, binned, labels, ratio, trait

MIN_REQUESTS = 3
_RATIOS = (0.25, 0.5, 1, 2, 4, 8, 16)
_REASONING = (0.25, 0.5, 0.75)

RATIO = Kind("output_ratio", Family.CONDUCT, "output tokens an input token", False, frozenset(labels(_RATIOS)[:3]))
LONG = Kind("long_outputs", Family.CONDUCT, "share of long answers", False, frozenset(labels(SHARES)[:2]))
THOUGHT = Kind(
    "reasoning_share", Family.CONDUCT, "reasoning tokens an output token", False, frozenset(labels(_REASONING)[:2])
)

OUTPUT_HEAVY = (
    SqlTrait(
        "output_ratio",
        frozenset({"requests.input_tokens", "requests.output_tokens"}),
        (RATIO,),
        trait(
            RATIO,
            binned(ratio("output_tokens", "input_tokens"), _RATIOS),
            f"account_activity WHERE input_tokens > 0 AND output_known >= {MIN_REQUESTS}",
        ),
    ),
    SqlTrait(
        "long_outputs",
        frozenset({"requests.output_tokens"}),
        (LONG,),
        trait(
            LONG,
            binned(ratio("long_outputs", "output_known"), SHARES),
            f"account_activity WHERE output_known >= {MIN_REQUESTS}",
        ),
    ),
    SqlTrait(
        "reasoning_share",
        frozenset({"requests.reasoning_tokens", "requests.output_tokens"}),
        (THOUGHT,),
        trait(
            THOUGHT,
            binned(ratio("reasoning_tokens", "output_tokens"), _REASONING),
            f"account_activity WHERE output_tokens > 0 AND reasoning_tokens > 0 AND output_known >= {MIN_REQUESTS}",
        ),
    ),
)
