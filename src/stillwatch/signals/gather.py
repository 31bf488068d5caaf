"""All trait signals run, one after the other: traits of every account, and which signals had to abstain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.schema.evidence import TRAITS, Kind
from stillwatch.signals.interface import TraitSignal


@dataclass(frozen=True, slots=True)
class Traits:
    """Rows of ``schema.evidence.TRAITS``, the kinds among them, and a line for each signal that abstained."""

    table: pa.Table
    kinds: tuple[Kind, ...]
    abstained: tuple[str, ...]


def gather(
    engine: Engine,
    signals: Sequence[TraitSignal],
    fields: frozenset[str],
    progress: Callable[[str], None] = lambda name: None,
) -> Traits:
    """Traits by all ``signals`` whose fields are there.

    Args:
        engine: holds the log, ``prints`` and the tallies.
        signals: what to measure.
        fields: columns with values, as ``requests.client_ip`` or ``accounts.card_bin``.
        progress: called with each signal's name before it runs.
    """
    tables, kinds, abstained = [TRAITS.empty_table()], list[Kind](), list[str]()
    for signal in signals:
        missing = sorted(signal.needs - fields)
        if missing:
            abstained.append(f"{signal.name}: the log has no {' and no '.join(missing)}")
            continue
        progress(signal.name)
        tables.append(engine.sql(signal.query(engine)).select(TRAITS.names).cast(TRAITS))
        kinds.extend(signal.kinds)
    return Traits(pa.concat_tables(tables), tuple(kinds), tuple(abstained))
