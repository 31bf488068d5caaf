"""A graph of a few accounts, and an assessed cluster of it, for the tests of what is said of one."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stillwatch.campaigns.assess import Assessment, Trial
from stillwatch.campaigns.explanations import EXPLANATIONS
from stillwatch.links import build
from stillwatch.schema.evidence import TRAITS, Family, Kind, Reading
from stillwatch.schema.graph import Cluster, Incidence

CARD = Kind("payment_fingerprint", Family.PAYMENT, "payment instrument", artifact=True)
IP = Kind("client_ip", Family.NETWORK, "address in use", artifact=True)
TEMPLATE = Kind("template", Family.CONTENT, "prompt template", artifact=True)
VOLUME = Kind("total_requests", Family.TEMPO, "requests in all", artifact=False)
KINDS = (CARD, IP, TEMPLATE, VOLUME)

#: Ten pool accounts on two cards, one template and one volume; forty strangers.
POOL = [f"a{i:02}" for i in range(10)]
STRANGERS = [f"s{i:02}" for i in range(40)]


def rows() -> list[tuple[str, str, str, int]]:
    """Traits: two strangers use the pool's address, one its template, and a fifth of them have its volume."""
    pool = [
        row
        for i, name in enumerate(POOL)
        for row in (
            (name, "payment_fingerprint", f"pay_shared{i % 2}", 1),
            (name, "client_ip", "192.0.2.7", 5),
            (name, "template", "77", 9),
            (name, "total_requests", "32 to 45", 1),
        )
    ]
    others = [
        row
        for i, name in enumerate(STRANGERS)
        for row in (
            (name, "payment_fingerprint", f"pay_own{i}", 1),
            (name, "client_ip", "192.0.2.7" if i < 2 else f"198.51.100.{i // 2}", 3),
            (name, "template", "77" if i == 0 else str(100 + i // 4), 2),
            (name, "total_requests", "32 to 45" if i % 5 == 0 else "1 to 2", 1),
        )
    ]
    return pool + others


def graph(organisation: dict[str, str] | None = None, more: Sequence[tuple[str, str, str, int]] = ()) -> Incidence:
    """The graph of ``rows`` and ``more``."""
    columns = list(zip(*rows(), *more, strict=True))
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, TRAITS, strict=True)], TRAITS.names
    )
    return build(table, KINDS, dict.fromkeys(POOL + STRANGERS, 10), organisation or {})


def pool(made: Incidence) -> Cluster:
    """The pool as a cluster."""
    inside = [i for i, own in enumerate(made.accounts) if set(own) & set(POOL)]
    return Cluster(np.array(inside, np.int64), np.full(len(inside), 20.0), 100.0)


def trial(name: str, p_value: float, fits: bool = True, groups: int = 100, **more: object) -> Trial:
    """A trial of the explanation ``name``."""
    explanation = next(e for e in EXPLANATIONS if e.name == name)
    by_family = more.pop("by_family", {Family.CONTENT: p_value})
    return Trial(explanation, fits, p_value, by_family, 50, groups, **more)  # type: ignore[arg-type]


def assessed(
    made: Incidence, trials: Sequence[Trial], readings: Sequence[tuple[Family, Reading]] = (), bits: float = 40.0
) -> Assessment:
    """The pool assessed, every kind equally telling."""
    p = max(trial.p_value for trial in trials)
    return Assessment(pool(made), np.full(len(KINDS), bits), tuple(readings), tuple(trials), p, p)
