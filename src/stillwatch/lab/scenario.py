"""Scenarios: which groups meet in a log, over how many days, with the default number of requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stillwatch.errors import UsageError
from stillwatch.lab.campaigns import CAMPAIGNS
from stillwatch.lab.evasion import evade
from stillwatch.lab.negatives import NEGATIVES
from stillwatch.lab.population import POPULATION
from stillwatch.lab.spec import Group


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named selection of groups.

    Attributes:
        name: as given to ``--scenario``.
        title: what it shows.
        days: length of the log unless told otherwise.
        requests: unless told otherwise.
        campaigns: names of the campaigns in it.
        negatives: names of the hard negatives in it.
        share: of all requests that campaigns send together.
    """

    name: str
    title: str
    days: float
    requests: int
    campaigns: tuple[str, ...]
    negatives: tuple[str, ...] = tuple(group.name for group in NEGATIVES)
    share: float = 0.05

    def groups(
        self, degrees: Mapping[str, float] | None = None, share: float | None = None, quiet: float = 0.0
    ) -> tuple[Group, ...]:
        """The groups that play, campaigns with their evasion knobs turned and sharing ``share`` of the requests.

        In the first part ``quiet`` of the log's time no campaign does anything.
        """
        innocent = [*POPULATION, *(group for group in NEGATIVES if group.name in self.negatives)]
        guilty = [evade(group, degrees or {}) for group in CAMPAIGNS if group.name in self.campaigns]
        share = self.share if share is None else share
        total, theirs = sum(group.share for group in innocent), sum(group.share for group in guilty)
        scaled = [
            replace(
                group,
                share=group.share / theirs * total * share / (1 - share),
                span=(quiet + group.span[0] * (1 - quiet), quiet + group.span[1] * (1 - quiet)),
            )
            for group in guilty
        ]
        return tuple(innocent + scaled)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("quiet", "ordinary customers and all hard negatives, no campaign", 7, 1_000_000, ()),
    Scenario("demo", "a day at one provider with one campaign hidden in it", 1, 200_000, ("deepseek_2026",)),
    *(
        Scenario(group.name, group.title, min(group.days, 14) if group.days > 2 else 5, 1_000_000, (group.name,))
        for group in CAMPAIGNS
    ),
    Scenario("record", "every campaign of the public record together, and all hard negatives", 21, 1_000_000,
             tuple(group.name for group in CAMPAIGNS), share=0.25),
)  # fmt: skip


def scenario(name: str) -> Scenario:
    """The scenario called ``name``.

    Raises:
        UsageError: there is none.
    """
    for each in SCENARIOS:
        if each.name == name:
            return each
    raise UsageError(f"there is no scenario {name!r}", do=f"Scenarios are: {', '.join(s.name for s in SCENARIOS)}")
