"""Breadth without repetition: much is asked, and nothing twice.

Measures: of accounts with 32 requests or more, the share of prompts that are distinct, together with the volume: a
    share of 0.98 over thousands of requests is rarer than over dozens.
Statistic and null: the joint bin, against how many accounts are in it.
Source: design.md, "breadth without repetition"; Juuti et al., PRADA, EuroS&P 2019, for queries spread out on purpose.
Innocent causes: chat, where nobody says the same twice; a pipeline over documents that were deduplicated.
Known evasion: repeating a tenth of the prompts, which costs a tenth.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SqlTrait, binned, trait

_VOLUMES = (128, 512, 2048, 8192)
_REPEATS = "repeats itself"

BREADTH_KIND = Kind("breadth", Family.CONDUCT, "distinct prompts among many", False, frozenset({_REPEATS}))

BREADTH = (
    SqlTrait(
        "breadth",
        frozenset({"prints.prompt_hash"}),
        (BREADTH_KIND,),
        trait(
            BREADTH_KIND,
            f"CASE WHEN distinct_prompts * 100 < prompts * 98 THEN '{_REPEATS}' ELSE {binned('prompts', _VOLUMES)} END",
            "account_activity WHERE prompts >= 32",
        ),
    ),
)
