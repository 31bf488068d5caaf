"""All trait signals run, one after the other: traits of every account, and which signals had to abstain."""

from collections.abc import Sequence
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


def missing(needs: frozenset[str], fields: frozenset[str]) -> list[str]:
    """What of ``needs`` (see ``TraitSignal.needs``) is not in ``fields``, in words."""
    return [" or ".join(need.split("|")) for need in sorted(needs) if fields.isdisjoint(need.split("|"))]


def gather(engine: Engine, signals: Sequence[TraitSignal], fields: frozenset[str]) -> Traits:
    """Traits by all ``signals`` whose fields are there.

    Args:
        engine: holds the log, ``prints`` and the tallies.
        signals: what to measure.
        fields: columns with values, as ``requests.client_ip`` or ``accounts.card_bin``.
    """
    tables, kinds, abstained = [TRAITS.empty_table()], list[Kind](), list[str]()
    for signal in signals:
        if absent := missing(signal.needs, fields):
            abstained.append(f"{signal.name}: the log has no {' and no '.join(absent)}")
            continue
        tables.append(_coded(engine.sql(signal.query(engine)).select(TRAITS.names)))
        kinds.extend(signal.kinds)
    return Traits(pa.concat_tables(tables), tuple(kinds), tuple(abstained))


def _coded(rows: pa.Table) -> pa.Table:
    """``rows`` as TRAITS, with one dictionary and one chunk a column; a cast would make one for every batch."""
    columns = [rows[name] if name == "n" else rows[name].dictionary_encode() for name in TRAITS.names]
    return pa.table(columns, schema=TRAITS).combine_chunks()
