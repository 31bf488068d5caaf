"""Which innocent explanations a group looks like, by what its members have in common."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.campaigns.fit import fits_of
from stillwatch.links import build
from stillwatch.schema.evidence import TRAITS, Family, Kind
from stillwatch.schema.graph import Cluster, holders

KINDS = (
    Kind("payment_fingerprint", Family.PAYMENT, "payment instrument", artifact=True),
    Kind("email_domain", Family.REGISTRATION, "mail domain", artifact=True),
    Kind("client_ip", Family.NETWORK, "address in use", artifact=True),
    Kind("created_day", Family.COHORT, "day the account was made", artifact=True),
    Kind("template", Family.CONTENT, "prompt template", artifact=True),
    Kind("prompt", Family.CONTENT, "prompt sent word for word", artifact=False),
)
GROUP, OTHERS = 12, 200
FIRM, CLASS, ITEMS = "one firm's own tool", "classroom", "shared exercise or benchmark"
Values = Callable[[int], list[str]]


def fitting(others: int = 0, requests: int = 10, **values: Values) -> set[str]:
    """Explanations that fit a group with ``values`` by kind; so many ``others`` have its first member's values."""
    members = [f"g{i:02}" for i in range(GROUP)]
    strangers = [f"s{i:03}" for i in range(OTHERS)]
    rows = [(a, kind, v, 1) for kind, of in values.items() for i, a in enumerate(members) for v in of(i)]
    rows += [(a, kind, v, 1) for kind, of in values.items() for a in strangers[:others] for v in of(0)]
    rows += [(a, kind.name, f"own-{kind.name}-{i // 2}", 1) for kind in KINDS for i, a in enumerate(strangers)]
    columns = zip(*rows, strict=True)
    table = pa.table([pa.array(c, field.type) for c, field in zip(columns, TRAITS, strict=True)], TRAITS.names)
    graph = build(table, KINDS, dict.fromkeys(members + strangers, requests), {})
    cluster = Cluster(np.arange(GROUP), np.zeros(GROUP), 0.0)
    fits = fits_of(graph, holders(graph), cluster, np.zeros(len(KINDS)), (), frozenset(Family))
    return {fit.explanation.name for fit in fits if fit.fits}


def test_a_set_of_items_is_told_from_a_queue() -> None:
    exercises = fitting(prompt=lambda i: [f"item {(i + k) % 5}" for k in range(3)])
    queue = fitting(prompt=lambda i: [f"item {3 * i + k}" for k in range(3)])
    once = fitting(prompt=lambda i: ["a chance meeting", f"item {i}"])
    assert ITEMS in exercises
    assert ITEMS not in queue
    assert ITEMS not in once
    # a long queue repeats some by chance, and a proxy passes on what everybody asks
    several: Values = lambda i: [f"item {(i + k) % 5}" for k in range(3)]  # noqa: E731
    assert ITEMS in fitting(requests=100, prompt=several)
    assert ITEMS not in fitting(requests=800, prompt=several)
    assert ITEMS in fitting(requests=800, prompt=lambda i: [f"item {k}" for k in range(9)])
    assert ITEMS not in fitting(prompt=lambda i: [*several(i), *(f"own-prompt-{3 * i + k}" for k in range(3))])


def test_one_firm_has_one_instrument_or_one_domain_of_its_own() -> None:
    assert FIRM in fitting(payment_fingerprint=lambda i: ["card"])
    assert FIRM in fitting(others=GROUP, email_domain=lambda i: ["firm.example"])
    assert FIRM not in fitting(others=GROUP + 1, email_domain=lambda i: ["webmail.example"])
    assert FIRM not in fitting(payment_fingerprint=lambda i: [f"card {i % 2}"])


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({"email_domain": lambda i: ["school.example"]}, True),
        ({"email_domain": lambda i: [f"throwaway{i % 3}.example"]}, False),
        ({"client_ip": lambda i: [f"192.0.2.{i % 3}"]}, True),  # a campus has more than one way out
        ({"created_day": lambda i: ["20000"]}, False),
    ],
)
def test_a_class_has_a_place_or_an_institution_and_a_day_is_neither(values: dict[str, Values], fits: bool) -> None:
    assert (CLASS in fitting(**values)) is fits
