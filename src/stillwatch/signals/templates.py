"""Template families: prompts of several accounts that are one text around different fillings.

Measures: which requests are on which template family (``stillwatch.text.families``), and prompts that several accounts
    sent word for word.
Statistic and null: the family itself, weighted by its rarity among accounts where traits are weighed. Innocent accounts
    meet on common phrases; a family is kept only if its anchors keep each other's company and its accounts repeat it.
Source: bottom-k sketches (Cohen and Kaplan, PODC 2007) and connected components over containment, as in near-duplicate
    detection (Broder, SEQUENCES 1997); advisory AA26-251A ("similar prompts").
Innocent causes: a popular harness or application with a built-in prompt; a course's exercises; an evaluation set; a
    template published and copied.
Known evasion: paraphrasing the template for every request, or a template for every account; fixed parts of fewer than
    five words in a row.

Families are looked for in at most ``BUDGET`` prompts, at most ``QUOTA`` an account, so that memory is bounded and no
account outweighs the rest; then every request is looked up, so that counts are exact. Which prompts are looked at
depends on their hashes alone.
"""

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.engine import Engine
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SqlTrait, trait, union
from stillwatch.text.assign import assign
from stillwatch.text.families import NONE, Families, Sample, find_families

QUOTA = 64
BUDGET = 2_000_000
MIN_WORDS = 8  # of a prompt sent by several accounts: shorter ones ("continue", "thank you") meet by chance

#: One row a request that is on a template family.
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("request_id", pa.string()),
    ("account_id", pa.string()),
    ("template", pa.int64()),
    ("prompt_hash", pa.int64()),
]
TEMPLATES = pa.schema(_FIELDS)

TEMPLATE = Kind("template", Family.CONTENT, "prompt template", artifact=True, ordinary=frozenset({"none"}))
PROMPT = Kind("prompt", Family.CONTENT, "prompt sent word for word", artifact=False)

_SHARE_BITS = 20
_COUNTS = "SELECT account_id, COUNT(*) AS prompts FROM prints WHERE prompt_hash IS NOT NULL GROUP BY account_id"
_SAMPLE = """
SELECT account_id, prompt_hash, prompt_anchors, prompt_words FROM prints JOIN prompt_counts USING (account_id)
WHERE prompt_hash IS NOT NULL AND (prompt_hash & {mask}) * prompts < {limit}
"""


def find_templates(engine: Engine) -> Families:
    """Find the template families of the log and save ``templates`` (TEMPLATES) and ``shared_prompts`` (prompt_hash).

    Args:
        engine: holds ``prints``.
    """
    engine.save("prompt_counts", _COUNTS)
    sizes = engine.sql("SELECT prompts, COUNT(*) AS accounts FROM prompt_counts GROUP BY prompts")
    limit = int(quota(np.asarray(sizes["prompts"]), np.asarray(sizes["accounts"])) * (1 << _SHARE_BITS))
    engine.save("prompt_sample", _SAMPLE.format(mask=(1 << _SHARE_BITS) - 1, limit=limit))
    families = find_families(_sample(engine))
    engine.save(
        "shared_prompts",
        "SELECT prompt_hash FROM prompt_sample GROUP BY prompt_hash "
        f"HAVING MIN(account_id) <> MAX(account_id) AND MIN(prompt_words) >= {MIN_WORDS}",
    )
    engine.drop("prompt_sample")
    engine.drop("prompt_counts")
    query = "SELECT request_id, account_id, prompt_hash, prompt_anchors FROM prints WHERE prompt_hash IS NOT NULL"
    engine.map("templates", query, partial(templated, families=families), TEMPLATES)
    return families


def quota(prompts: NDArray[np.int64], accounts: NDArray[np.int64], budget: int = BUDGET) -> float:
    """Prompts to look at of each account: QUOTA, or as many as keep all together within ``budget``.

    Args:
        prompts: requests with a prompt that an account sent.
        accounts: how many accounts sent so many.
        budget: prompts to look at, about.
    """
    low, high = 0.0, float(QUOTA)
    if int(np.minimum(prompts, QUOTA) @ accounts) <= budget:
        return high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if float(np.minimum(prompts, middle) @ accounts) <= budget else (low, middle)
    return low


def _sample(engine: Engine) -> Sample:
    """What families are looked for in."""
    table = engine.sql("SELECT account_id, prompt_hash, prompt_anchors FROM prompt_sample").combine_chunks()
    if not table.num_rows:
        nothing = np.zeros(0, np.int64)
        return Sample(nothing, nothing, np.zeros(1, np.int64), nothing)
    lists: Any = table["prompt_anchors"].chunk(0)
    accounts: Any = table["account_id"].chunk(0)
    lists = lists.fill_null([])
    starts = np.asarray(lists.offsets, np.int64)
    anchors = np.asarray(lists.values)[starts[0] : starts[-1]]
    return Sample(
        np.asarray(accounts.dictionary_encode().indices, np.int64),
        np.asarray(table["prompt_hash"]),
        starts - starts[0],
        anchors,
    )


def templated(batch: pa.RecordBatch, families: Families = NONE) -> pa.RecordBatch:
    """Kernel: a row of TEMPLATES for each request of ``batch`` that is on a family."""
    family = assign(batch.column("prompt_anchors"), families)
    on = pa.array(family != 0)
    columns = [batch.column("request_id"), batch.column("account_id"), pa.array(family), batch.column("prompt_hash")]
    return pa.RecordBatch.from_arrays(columns, schema=TEMPLATES).filter(on)


TEMPLATED = (
    SqlTrait(
        "template",
        frozenset({"prints.prompt_hash"}),
        (TEMPLATE,),
        # Who has no template is told of too: a template's rarity is among all who send prompts.
        union(
            trait(TEMPLATE, "CAST(template AS STRING)", "templates GROUP BY account_id, template", n="COUNT(*)"),
            trait(
                TEMPLATE,
                "'none'",
                "account_activity ANTI JOIN templates USING (account_id) WHERE prompts > 0",
                n="prompts",
            ),
        ),
    ),
    SqlTrait(
        "prompt",
        frozenset({"prints.prompt_hash"}),
        (PROMPT,),
        trait(
            PROMPT,
            "CAST(prompt_hash AS STRING)",
            "prints SEMI JOIN shared_prompts USING (prompt_hash) GROUP BY account_id, prompt_hash",
            n="COUNT(*)",
        ),
    ),
)
