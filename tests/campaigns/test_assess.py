"""Clusters against explanations: what natural groups excuse, what they do not, and what is not compared."""

import numpy as np
import pytest

from stillwatch.campaigns.assess import Assessment, assess
from stillwatch.campaigns.explanations import EXPLANATIONS
from stillwatch.campaigns.reference import FAMILIES, SIZES, Reference
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Incidence, holders
from tests.campaigns.made import graph, pool

MADE = graph()
ORDER = np.arange(len(MADE.actors))
STRANGERS = Cluster(np.array([i for i, (a, *_) in enumerate(MADE.accounts) if a[0] == "s"][10:20]), np.zeros(10), 0.0)


def natural(bits: float, groups: int = 200) -> dict[str, Reference]:
    """Groups that are alike by about ``bits`` in every family, for every explanation that is compared with some."""
    alike = np.random.default_rng(1).gamma(2.0, bits / 2, (groups, len(SIZES), len(FAMILIES)))
    alike[:, 4:] = np.nan  # of twelve members
    reference = Reference(alike, np.full(groups, -1))
    return {e.name: reference for e in EXPLANATIONS if e.alike}


def tried(clusters: list[Cluster], found: dict[str, Reference], made: Incidence = MADE, **more: object):
    readings = more.pop("readings", [()] * len(clusters))
    return assess(made, holders(made), ORDER, clusters, readings, found, 0.01, **more)  # type: ignore[arg-type]


def by_name(one: Assessment) -> dict[str, float]:
    return {trial.explanation.name: trial.p_value for trial in one.trials if trial.fits}


def test_strangers_are_never_more_than_strangers() -> None:
    (one,) = tried([STRANGERS], {})
    assert one.p_value > 0.5
    assert one.hardest.explanation.name in by_name(one)


def test_the_weakest_explanation_decides() -> None:
    (one,) = tried([pool(MADE)], natural(1.0))
    assert one.p_value == max(by_name(one).values()) == one.hardest.p_value
    assert 0.0 < by_name(one)["coincidence"] < 1e-5


def test_natural_groups_that_are_as_alike_excuse_the_cluster_and_others_do_not() -> None:
    (alike,) = tried([pool(MADE)], natural(100.0))
    (other,) = tried([pool(MADE)], natural(0.5))
    assert alike.p_value > 0.3
    assert by_name(other)["enterprise behind one address"] < 1e-3 < other.p_value < 0.05
    assert by_name(alike)["coincidence"] == by_name(other)["coincidence"]  # which is compared with no groups


def test_a_test_of_the_cluster_can_only_add() -> None:
    (plain,) = tried([pool(MADE)], natural(20.0))
    queue = [[(Family.DIVISION, Reading("partition", "one queue", 1.0, 1e-9))]]
    (more,) = tried([pool(MADE)], natural(20.0), readings=queue)
    for name, p in by_name(more).items():
        if name in natural(20.0):
            assert p <= by_name(plain)[name] or p < 1e-6, name
    silent = [[(Family.DIVISION, Reading("partition", "", abstained="no template"))]]
    (same,) = tried([pool(MADE)], natural(20.0), readings=silent)
    assert by_name(same) == by_name(plain)


def test_a_family_that_was_measured_otherwise_is_not_compared() -> None:
    (one,) = tried([pool(MADE)], natural(0.5), silent=frozenset({Family.CONTENT}))
    (all_,) = tried([pool(MADE)], natural(0.5))
    for trial in one.trials:
        assert not trial.groups or Family.CONTENT not in trial.by_family
    assert any(trial.groups and Family.CONTENT in trial.by_family for trial in all_.trials)
    assert one.p_value > all_.p_value


def test_the_order_of_clusters_does_not_matter() -> None:
    one = tried([pool(MADE), STRANGERS], natural(5.0))
    two = tried([STRANGERS, pool(MADE)], natural(5.0))
    assert [a.p_value for a in one] == [a.p_value for a in reversed(two)]
    assert [a.q_value for a in one] == pytest.approx([a.q_value for a in reversed(two)])
    assert all(a.q_value >= a.p_value or a.q_value <= 1.0 for a in one)


def test_no_clusters() -> None:
    assert tried([], natural(1.0)) == []
