import itertools
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.console import graph_layout
from stillwatch.console.cluster_graph import cluster_graph
from stillwatch.schema.campaign import Campaign, Tie
from tests.console.hostile import PAYLOAD, replaced
from tests.console.samples import large_campaign, other_cluster, small_campaign


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """Any campaign of up to 300 accounts, its artifacts listed in full or in part."""
    base = other_cluster("c", draw(st.integers(1, 300)), "x", "y")
    ties = []
    for number in range(draw(st.integers(1, 20))):
        shared = sorted(draw(st.sets(st.sampled_from(base.accounts), min_size=1, max_size=50)))
        total = draw(st.integers(len(shared), len(base.accounts)))
        ties.append(Tie("kind", str(number), tuple(shared), total, draw(st.integers(0, 9)), draw(st.floats(0, 40))))
    return replace(base, ties=tuple(ties))


@given(campaigns())
def test_every_account_stands_in_one_group_or_is_counted_as_left_out(campaign: Campaign) -> None:
    graph = graph_layout.layout(campaign)
    drawn = [account for group in graph.groups for account in group.accounts]
    assert len(set(drawn)) == len(drawn)
    assert len(drawn) + graph.left_out == len(campaign.accounts)
    for index, tie in enumerate(graph.ties):
        whole = tie.accounts_total == len(tie.accounts)
        everyone = tie.accounts_total == len(campaign.accounts)
        for group in graph.groups:
            for account in group.accounts:
                assert (index in group.ties) == (everyone or (whole and account in tie.accounts))


@given(campaigns())
def test_nodes_stand_between_the_columns_and_apart(campaign: Campaign) -> None:
    graph = graph_layout.layout(campaign)
    for group in graph.groups:
        assert graph_layout.COLUMN <= group.x <= graph_layout.WIDTH - graph_layout.COLUMN
        assert 0 <= group.y <= graph.height
    assert len(set(graph.spots)) == len(graph.ties)
    if len(graph.groups) <= 6:
        for one, other in itertools.combinations(graph.groups, 2):
            assert math.dist((one.x, one.y), (other.x, other.y)) > 0.3 * (one.radius + other.radius)


@given(campaigns())
def test_the_picture_does_not_depend_on_the_order_of_its_parts(campaign: Campaign) -> None:
    shuffled = replace(campaign, accounts=tuple(reversed(campaign.accounts)), ties=tuple(reversed(campaign.ties)))
    assert cluster_graph(shuffled) == cluster_graph(campaign)


def test_a_small_campaign_has_a_dot_for_each_account() -> None:
    svg = ElementTree.fromstring(cluster_graph(small_campaign()))  # noqa: S314
    names = [circle[0].text for circle in svg.iter("circle")]
    assert sorted(filter(None, names)) == sorted(small_campaign().accounts)


def test_a_large_campaign_is_a_few_bubbles_whose_numbers_add_up() -> None:
    campaign = large_campaign(25_000)
    graph = graph_layout.layout(campaign)
    assert not graph.one_by_one
    assert sum(len(group.accounts) for group in graph.groups) == 25_000
    assert len(cluster_graph(campaign)) < 20_000
    assert "24,862" in cluster_graph(campaign)


def test_no_artifact_no_graph() -> None:
    assert cluster_graph(other_cluster("c", 3, "x", "y")) == ""


def test_hostile_names_stay_text() -> None:
    campaign = replace(small_campaign(), ties=tuple(t for t in small_campaign().ties if t.accounts_total < 8))
    svg = ElementTree.fromstring(cluster_graph(replaced(campaign, PAYLOAD)))  # noqa: S314
    assert {element.tag for element in svg.iter()} <= {"svg", "path", "circle", "title", "g", "rect", "text"}


@given(campaigns())
def test_every_line_goes_from_its_group_to_an_artifact_it_shares(campaign: Campaign) -> None:
    graph = graph_layout.layout(campaign)
    svg = ElementTree.fromstring(cluster_graph(campaign))  # noqa: S314
    drawn = [tuple(re.findall(r"[\d.]+ [\d.]+", path.attrib["d"])[::3]) for path in svg.iter("path")]
    ties = [(group, index) for group in graph.groups for index in group.ties]
    ties += [(graph.groups[0], index) for index in graph.partly]
    spots = [graph.spots[index] for _, index in ties]
    assert drawn == [
        (f"{group.x:.1f} {group.y:.1f}", f"{x:.1f} {y:.1f}") for (group, _), (x, y) in zip(ties, spots, strict=True)
    ]
