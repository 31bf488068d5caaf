"""Move to a new model: accounts that put their traffic on a new model within a day of its appearance in the log.

Measures: for each model first seen at least a day after the log begins, the share of an account's requests in the
    following 24 hours that go to it; the account's greatest share counts.
Statistic and null: the bin of the share, against how the population moved in the same day.
Source: Anthropic, Feb 2026 (MiniMax moved half its traffic to a new model within 24 hours of its release).
Innocent causes: an application that asks for "the latest"; evaluation vendors, who measure a model on its first day.
Known evasion: waiting a few days, or moving account after account.
"""

from stillwatch.engine import Engine
from stillwatch.engine.sql import literal
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SHARES, binned, labels, ratio, trait

DAY = 86_400_000_000
#: Models looked at, those with the most requests first; a log with more new models than this is a log of experiments.
MAX_LAUNCHES = 8
#: Requests an account must make on the launch day for its share to mean something.
MIN_REQUESTS = 4

MOVE = Kind(
    "model_move",
    Family.COHORT,
    "share of requests on a new model within a day of its appearance",
    artifact=False,
    ordinary=frozenset(labels(SHARES)[:1]),
)


def launches(engine: Engine) -> list[tuple[str, int]]:
    """Models that appear a day or more after the log begins, and the microsecond of their first request."""
    rows = engine.sql(
        f"SELECT model, {engine.micros('MIN(timestamp)')} AS begin, COUNT(*) AS requests "
        "FROM requests GROUP BY model ORDER BY requests DESC, model"
    ).to_pylist()
    start = min((row["begin"] for row in rows), default=0)
    return [(row["model"], row["begin"]) for row in rows if row["begin"] >= start + DAY][:MAX_LAUNCHES]


class ModelMove:
    """Shares of the launch day that went to the new model."""

    name = "model_move"
    needs: frozenset[str] = frozenset()
    kinds = (MOVE,)

    def query(self, engine: Engine) -> str:
        """Traits, from one scan of the log for all launches together."""
        found = launches(engine)
        if not found:
            return trait(MOVE, "''", "account_activity WHERE requests < 0")
        counts, shares = [], []
        for i, (model, begin) in enumerate(found):
            day = f"micros >= {begin} AND micros < {begin + DAY}"
            counts += [
                f"COUNT(*) FILTER (WHERE {day}) AS all_{i}",
                f"COUNT(*) FILTER (WHERE {day} AND model = {literal(model)}) AS moved_{i}",
            ]
            shares += [f"CASE WHEN all_{i} >= {MIN_REQUESTS} THEN {ratio(f'moved_{i}', f'all_{i}')} ELSE -1 END"]
        days = (
            f"SELECT account_id, COUNT(*) AS requests, {', '.join(counts)} FROM "
            f"(SELECT account_id, model, {engine.micros('timestamp')} AS micros FROM requests) AS stamped "
            "GROUP BY account_id"
        )
        best = f"GREATEST({', '.join(shares)}, CAST(-1 AS DOUBLE))"
        source = f"(SELECT account_id, requests, {best} AS share FROM ({days}) AS days) AS moves WHERE share >= 0"
        return trait(MOVE, binned("share", SHARES), source)


MODEL_MOVE = (ModelMove(),)
