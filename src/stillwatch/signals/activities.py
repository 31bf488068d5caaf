"""Requests of groups of accounts, brought out of the engine as columns for the cluster signals."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.schema.columns import codes, distinct, filled, fixed_bytes, numbered
from stillwatch.schema.evidence import Activity

_COLUMNS = "model, session_id, input_tokens, output_tokens, reasoning_tokens, refused"
_QUERY = f"""
SELECT part, account_id, micros, {_COLUMNS},
  prompt_hash, prompt_words, prompt_cues, prompt_form, prompt_sketch, system_hash, template
FROM (SELECT request_id, {_COLUMNS} FROM requests SEMI JOIN chosen USING (account_id)) AS asked
JOIN (SELECT part, request_id, account_id, micros,
        prompt_hash, prompt_words, prompt_cues, prompt_form, prompt_sketch, system_hash
      FROM prints JOIN chosen USING (account_id)) AS read USING (request_id)
LEFT JOIN (SELECT request_id, template FROM templates SEMI JOIN chosen USING (account_id)) AS built USING (request_id)
ORDER BY part, micros, request_id
"""


def activities(engine: Engine, groups: Sequence[Sequence[str]]) -> list[Activity]:
    """The requests of each of ``groups``.

    Reads the tables ``requests``, ``prints`` and ``templates``; makes and drops ``chosen``.
    """
    chosen = pa.table(
        {
            "account_id": pa.array([account for group in groups for account in group], pa.string()),
            "part": pa.array([part for part, group in enumerate(groups) for _ in group], pa.int64()),
        }
    )
    engine.load("chosen", chosen)
    rows = engine.sql(_QUERY)
    engine.drop("chosen")
    models = tuple(distinct(rows["model"]))
    edges = np.searchsorted(rows["part"].to_numpy(), np.arange(len(groups) + 1))
    return [
        _activity(rows.slice(low, high - low), tuple(group), models)
        for group, low, high in zip(groups, edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]


def _activity(rows: pa.Table, accounts: tuple[str, ...], models: tuple[str, ...]) -> Activity:
    return Activity(
        accounts=accounts,
        models=models,
        account=codes(rows["account_id"], accounts).astype(np.int32),
        time=filled(rows["micros"], 0),
        model=codes(rows["model"], models).astype(np.int32),
        session=numbered(rows["session_id"]),
        prompt_hash=filled(rows["prompt_hash"], 0),
        template=filled(rows["template"], 0),
        words=filled(rows["prompt_words"], -1).astype(np.int32),
        cues=filled(rows["prompt_cues"], 0).astype(np.int32),
        form=filled(rows["prompt_form"], -1).astype(np.int32),
        sketch=fixed_bytes(rows["prompt_sketch"], 32),
        system_hash=filled(rows["system_hash"], 0),
        input_tokens=filled(rows["input_tokens"], -1),
        output_tokens=filled(rows["output_tokens"], -1),
        reasoning_tokens=filled(rows["reasoning_tokens"], -1),
        refused=filled(rows["refused"].cast(pa.int8()), -1),
    )
