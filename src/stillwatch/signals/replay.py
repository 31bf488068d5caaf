"""Replayed reasoning: blocks of hidden reasoning sent back by an account, or in a session, they were not issued to.

Measures: of the blocks an account sends back, those that the log shows were issued to another account and never to
    this one. Each such block is an artifact that ties the two. The share of replaying requests with a foreign block,
    and with a block of another session of the same account, are bins. A block the log does not show being issued says
    nothing: it may be older than the log. Who sends back only its own is told of too: a block is rare among all who
    send any back.
Statistic and null: a block is a hash of fresh text, so an honest client never meets another account's block; the null
    share is that of the population.
Source: OpenAI, Jul 2026 (encrypted reasoning blocks replayed across conversations).
Innocent causes: a gateway or a company that spreads one conversation over several of its accounts; a conversation
    forked into a second session by its user.
Known evasion: dropping reasoning from the context, which costs the attacker the very thing that is wanted.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.engine import Engine
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SHARES, binned, labels, trait, union

_USUAL = frozenset(labels(SHARES)[:1])

BLOCK = Kind("replayed_block", Family.REPLAY, "reasoning block issued to another account", True, frozenset({"none"}))
FOREIGN = Kind("foreign_replay", Family.REPLAY, "share of replays of another account's reasoning", False, _USUAL)
CROSSED = Kind("session_replay", Family.REPLAY, "share of replays of another session's reasoning", False, _USUAL)

_BLOCKS = pa.schema(
    [("request_id", pa.string()), ("account_id", pa.string()), ("session_id", pa.string()), ("block", pa.string())]
)


def flatten(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of (request_id, account_id, session_id, blocks) as one row a block."""
    blocks: Any = batch.column("blocks").cast(pa.list_(pa.string()))
    parents = pc.list_parent_indices(blocks)
    columns = [batch.column(name).cast(pa.string()).take(parents) for name in _BLOCKS.names[:3]]
    return pa.RecordBatch.from_arrays([*columns, pc.list_flatten(blocks)], schema=_BLOCKS)


def _flat(engine: Engine, table: str, field: str) -> None:
    engine.map(
        table,
        f"SELECT request_id, account_id, session_id, {field} AS blocks FROM requests WHERE {field} IS NOT NULL",
        flatten,
        _BLOCKS,
    )


# Only what is both issued and replayed matters, and that is far less than either.
_ISSUED = """
SELECT DISTINCT account_id, session_id, block FROM issued_blocks SEMI JOIN replayed_blocks USING (block)
"""

_JUDGED = """
SELECT back.request_id, back.account_id, back.block, owner.issued_to,
  CASE WHEN own.block IS NULL THEN 1 ELSE 0 END AS is_foreign,
  CASE WHEN own.block IS NOT NULL AND here.block IS NULL AND back.session_id IS NOT NULL AND own.known = 1
       THEN 1 ELSE 0 END AS is_crossed
FROM replayed_blocks AS back
JOIN (SELECT block, MIN(account_id) AS issued_to FROM issued GROUP BY block) AS owner
  ON back.block = owner.block
LEFT JOIN (SELECT account_id, block, MIN(CASE WHEN session_id IS NULL THEN 0 ELSE 1 END) AS known
           FROM issued GROUP BY account_id, block) AS own
  ON back.block = own.block AND back.account_id = own.account_id
LEFT JOIN issued AS here
  ON back.block = here.block AND back.account_id = here.account_id AND back.session_id = here.session_id
"""

_SHARES = """
(SELECT account_id, COUNT(*) AS n, SUM(is_foreign) / COUNT(*) AS foreign_share,
   SUM(is_crossed) / COUNT(*) AS crossed_share
 FROM (SELECT account_id, request_id, MAX(is_foreign) AS is_foreign, MAX(is_crossed) AS is_crossed
       FROM judged_blocks GROUP BY account_id, request_id) AS replays
 GROUP BY account_id) AS shares
"""

# Every account that sends back a block which the log shows being issued.
_OWN_ALONE = """
(SELECT account_id, COUNT(*) AS n FROM judged_blocks GROUP BY account_id HAVING MAX(is_foreign) = 0) AS honest
ANTI JOIN (SELECT issued_to AS account_id FROM judged_blocks WHERE is_foreign = 1) AS sources USING (account_id)
"""

_TIES = """
(SELECT account_id, block, COUNT(*) AS n FROM
   (SELECT account_id, block FROM judged_blocks WHERE is_foreign = 1
    UNION ALL SELECT issued_to AS account_id, block FROM judged_blocks WHERE is_foreign = 1) AS ends
 GROUP BY account_id, block) AS ties
"""


class Replay:
    """Foreign and crossed replays of reasoning blocks."""

    name = "replay"
    needs = frozenset({"requests.reasoning_issued", "requests.reasoning_replayed"})
    kinds = (BLOCK, FOREIGN, CROSSED)

    def query(self, engine: Engine) -> str:
        """Traits; saves ``judged_blocks``, the replayed blocks whose issue the log shows."""
        _flat(engine, "issued_blocks", "reasoning_issued")
        _flat(engine, "replayed_blocks", "reasoning_replayed")
        engine.save("issued", _ISSUED)
        engine.save("judged_blocks", _JUDGED)
        for table in ("issued_blocks", "replayed_blocks", "issued"):
            engine.drop(table)
        return union(
            trait(BLOCK, "block", _TIES, n="n"),
            trait(BLOCK, "'none'", _OWN_ALONE, n="n"),
            trait(FOREIGN, binned("foreign_share", SHARES), _SHARES, n="n"),
            trait(CROSSED, binned("crossed_share", SHARES), _SHARES, n="n"),
        )


REPLAY = (Replay(),)
