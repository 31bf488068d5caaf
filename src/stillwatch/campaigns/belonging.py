"""The requests that each campaign is made of, by the mixture learnt of it, in the engine."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.campaigns.mixture import Mixture, half_octaves
from stillwatch.engine import Engine
from stillwatch.schema.columns import codes, filled

#: One row for each request of a tested account: ``part`` is the cluster, ``belongs`` whether it is the campaign's.
BELONGING = pa.schema(
    [
        pa.field("part", pa.int64()),
        pa.field("request_id", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("micros", pa.int64()),
        pa.field("output_tokens", pa.int64()),
        pa.field("template", pa.int64()),
        pa.field("prompt_hash", pa.int64()),
        pa.field("prompt_cues", pa.int64()),
        pa.field("belongs", pa.bool_()),
    ]
)

_QUERY = """
SELECT part, request_id, account_id, micros, model, output_tokens, prompt_hash, prompt_words, prompt_cues, prompt_form,
  system_hash, template
FROM (SELECT request_id, model, output_tokens FROM requests SEMI JOIN members USING (account_id)) AS asked
JOIN (SELECT part, request_id, account_id, micros, prompt_hash, prompt_words, prompt_cues, prompt_form, system_hash
      FROM prints JOIN members USING (account_id)) AS read USING (request_id)
LEFT JOIN (SELECT request_id, template FROM templates SEMI JOIN members USING (account_id)) AS built USING (request_id)
"""


def save_belonging(
    engine: Engine,
    groups: Sequence[Sequence[str]],
    mixtures: Sequence[Mixture | None],
    models: Sequence[str],
    ends: Mapping[str, int],
) -> None:
    """Save ``belonging`` for the accounts of ``groups``, one group a mixture.

    Args:
        engine: holds ``requests``, ``prints`` and ``templates``.
        groups: account ids; no account is in two.
        mixtures: what was learnt of each group; of one without all requests belong.
        models: the models in the order of their codes.
        ends: of accounts that a programme covered for a time, the first microsecond that counts.
    """
    members = pa.table(
        {
            "account_id": pa.array([account for group in groups for account in group], pa.string()),
            "part": pa.array([part for part, group in enumerate(groups) for _ in group], pa.int64()),
        }
    )
    engine.load("members", members)
    kernel = partial(judged, mixtures=tuple(mixtures), models=tuple(models), ends=dict(ends))
    engine.map("belonging", _QUERY, kernel, BELONGING)
    engine.drop("members")


def judged(
    batch: pa.RecordBatch, mixtures: Sequence[Mixture | None], models: Sequence[str], ends: Mapping[str, int]
) -> pa.RecordBatch:
    """Kernel: rows of BELONGING for each of ``batch``."""
    features = np.stack(
        [
            filled(batch["template"], 0),
            filled(batch["system_hash"], 0),
            codes(batch["model"], models),
            filled(batch["prompt_cues"], 0),
            filled(batch["prompt_form"], -1),
            half_octaves(filled(batch["prompt_words"], -1)),
            half_octaves(filled(batch["output_tokens"], -1)),
        ],
        axis=1,
    ).astype(np.int64)
    parts = batch["part"].to_numpy(zero_copy_only=False)
    coded: Any = batch["account_id"].dictionary_encode()
    names, account = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    belongs = np.zeros(len(parts), np.bool_)
    for part in np.unique(parts):
        mixture, rows = mixtures[part], np.nonzero(parts == part)[0]
        if mixture is None:
            belongs[rows] = True
            continue
        shares = np.array([mixture.shares.get(name, mixture.share) for name in names])
        belongs[rows] = mixture.belongs(features[rows], shares[account[rows]]) > 0.5
    if ends:
        belongs &= filled(batch["micros"], 0) >= np.array([ends.get(name, 0) for name in names], np.int64)[account]
    columns = [batch[name] for name in BELONGING.names if name != "belongs"]
    return pa.RecordBatch.from_arrays(
        [column.cast(field.type) for column, field in zip(columns, BELONGING, strict=False)] + [pa.array(belongs)],
        schema=BELONGING,
    )
