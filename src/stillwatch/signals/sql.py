"""How a trait signal that is one query is written down, and the pieces of SQL that several of them share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stillwatch.engine import Engine
from stillwatch.engine.sql import literal
from stillwatch.schema.evidence import Kind

#: Where the edges of most shares are put: fixed, so that a bin means the same in every log and on every day.
SHARES = (0.02, 0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class SqlTrait:
    """A ``TraitSignal`` whose whole measurement is one SELECT over tables that are already there."""

    name: str
    needs: frozenset[str]
    kinds: tuple[Kind, ...]
    sql: str

    def query(self, engine: Engine) -> str:
        """The SELECT; no helper table is made."""
        return self.sql


def labels(edges: Sequence[float]) -> tuple[str, ...]:
    """Names of the ``len(edges) + 1`` half-open intervals that ascending ``edges`` cut the line into."""
    inner = (f"{low:g} to {high:g}" for low, high in pairwise(edges))
    return (f"under {edges[0]:g}", *inner, f"{edges[-1]:g} or more")


def binned(expression: str, edges: Sequence[float]) -> str:
    """SQL giving the label of the interval ``expression`` falls in; comparisons only, so that engines cannot differ."""
    *names, last = labels(edges)
    arms = (f"WHEN {expression} < {literal(edge)} THEN '{name}'" for edge, name in zip(edges, names, strict=True))
    return f"CASE {' '.join(arms)} ELSE '{last}' END"


def ratio(part: str, whole: str) -> str:
    """SQL dividing two numbers; null where there is nothing to divide by."""
    return f"({part} / NULLIF({whole}, 0))"


def trait(kind: Kind, value: str, source: str, n: str = "requests") -> str:
    """SELECT giving rows of ``schema.evidence.TRAITS`` of one kind; ``source`` is what follows FROM."""
    return f"SELECT account_id, '{kind.name}' AS kind, {value} AS value, {n} AS n FROM {source}"


def union(*queries: str) -> str:
    """The rows of every query."""
    return " UNION ALL ".join(queries)
