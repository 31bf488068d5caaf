"""Shared system prompts, and shared beginnings of them: what a prefix cache would see as the same.

Measures: the system prompt that an account sends, whole; and the beginnings of 8, 16, 32 ... words that it has in
    common with *different* system prompts of other accounts. Of those that the same number of accounts share only the
    longest counts (a closed set, as in closed itemsets: Pasquier et al., ICDT 1999).
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``), which
    discounts what is public; a value counts only where at least one request in twenty of the account carries it.
Source: advisory AA26-251A ("cache-optimised traffic"); prefix caching as in Mooncake (Qin et al., FAST 2025).
Innocent causes: an application's or a popular harness's own prompt (common, so it weighs little); an agency that runs
    several customers' accounts; a course's starter code.
Known evasion: no system prompt, or the fixed text moved to the user's turn, which ``templates`` sees; words shuffled at
    the very start.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.engine import Engine
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import trait, union
from stillwatch.text.anchors import FIRST_PREFIX

SYSTEM_PROMPT = Kind("system_prompt", Family.SOFTWARE, "system prompt", artifact=True)
SYSTEM_PREFIX = Kind("system_prefix", Family.SOFTWARE, "beginning of the system prompt", artifact=True)

#: One row a beginning of a system prompt; ``longer`` is the next one, 0 if there is none.
PREFIXES = pa.schema(
    [("system_hash", pa.int64()), ("prefix", pa.int64()), ("longer", pa.int64()), ("words", pa.int64())]
)

_SENT = """
SELECT account_id, system_hash, n, example FROM (
  SELECT account_id, system_hash, COUNT(*) AS n, MIN(request_id) AS example FROM prints
  WHERE system_hash IS NOT NULL GROUP BY account_id, system_hash
) AS sent JOIN account_activity USING (account_id) WHERE n * 20 >= requests
"""
_EXAMPLES = """
SELECT system_hash, system_anchors FROM prints
SEMI JOIN (SELECT MIN(example) AS request_id FROM account_systems GROUP BY system_hash) AS examples USING (request_id)
"""
_SHARED = """
SELECT prefix, COUNT(DISTINCT account_id) AS accounts FROM account_systems JOIN system_prefixes USING (system_hash)
GROUP BY prefix HAVING MIN(account_id) <> MAX(account_id) AND MIN(system_hash) <> MAX(system_hash)
"""
_CLOSED = """
SELECT prefix FROM shared_prefixes JOIN (
  SELECT system_prefixes.prefix AS prefix, MAX(COALESCE(further.accounts, 0)) AS most FROM system_prefixes
  LEFT JOIN shared_prefixes AS further ON system_prefixes.longer = further.prefix GROUP BY system_prefixes.prefix
) AS followed USING (prefix) WHERE accounts > most
"""


def prefixes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Kernel: the rows of PREFIXES of each system prompt in ``batch`` (system_hash, system_anchors)."""
    column: Any = batch.column("system_anchors")
    lists = column.fill_null([])
    starts = np.asarray(lists.offsets, np.int64)
    lengths = np.diff(starts)
    found: NDArray[np.int64] = np.asarray(lists.values)[starts[0] : starts[-1]]
    longer = np.zeros_like(found)
    longer[:-1] = found[1:]
    longer[(starts[1:] - starts[0] - 1)[lengths > 0]] = 0
    place = np.arange(len(found)) - np.repeat(starts[:-1] - starts[0], lengths)
    system = np.repeat(np.asarray(batch.column("system_hash")), lengths)
    columns = [pa.array(values) for values in (system, found, longer, FIRST_PREFIX << place)]
    return pa.RecordBatch.from_arrays(columns, schema=PREFIXES)


class SystemPrompts:
    """System prompts and their shared beginnings as traits."""

    name = "system_prompt"
    needs = frozenset({"prints.system_hash"})
    kinds = (SYSTEM_PROMPT, SYSTEM_PREFIX)

    def query(self, engine: Engine) -> str:
        """See ``TraitSignal``; saves account_systems, system_prefixes, shared_prefixes and closed_prefixes."""
        engine.save("account_systems", _SENT)
        engine.map("system_prefixes", _EXAMPLES, prefixes, PREFIXES)
        engine.save("shared_prefixes", _SHARED)
        engine.save("closed_prefixes", _CLOSED)
        beginnings = (
            "account_systems JOIN system_prefixes USING (system_hash) SEMI JOIN closed_prefixes USING (prefix) "
            "GROUP BY account_id, prefix"
        )
        return union(
            trait(SYSTEM_PROMPT, "CAST(system_hash AS STRING)", "account_systems", n="n"),
            trait(SYSTEM_PREFIX, "CAST(prefix AS STRING)", beginnings, n="SUM(n)"),
        )


SYSTEM_PROMPTS = (SystemPrompts(),)
