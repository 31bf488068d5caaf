"""Which logs the detection benchmark looks at."""

from dataclasses import dataclass

from benchmarks.logs import Order
from stillwatch.lab import KNOBS, SCENARIOS

RECORD, CAMPAIGN, KNOB, QUIET = "record", "campaign", "knob", "quiet"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Requests a log of each part, and the seeds."""

    record: int = 1_000_000
    record_seeds: int = 3
    campaign: int = 1_000_000
    knob: int = 300_000
    quiet: int = 200_000
    quiet_seeds: int = 20

    def scaled(self, factor: float) -> "Sizes":
        """The same plan with smaller logs."""
        return Sizes(
            record=round(self.record * factor),
            campaign=round(self.campaign * factor),
            knob=round(self.knob * factor),
            quiet=round(self.quiet * factor),
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One log and the part of the benchmark it stands in."""

    part: str
    order: Order


def cases(sizes: Sizes) -> list[Case]:
    """Every log, the parts that matter most first."""
    alone = [each.name for each in SCENARIOS if each.name not in ("quiet", "demo", "record")]
    turned = [(knob.name, degree) for degree in (1.0, 0.5) for knob in KNOBS]
    return [
        *(Case(RECORD, Order("record", sizes.record, seed)) for seed in range(1, sizes.record_seeds + 1)),
        *(Case(CAMPAIGN, Order(name, sizes.campaign, 1)) for name in alone),
        Case(KNOB, Order("record", sizes.knob, 1)),
        *(Case(KNOB, Order("record", sizes.knob, 1, {name: degree})) for name, degree in turned),
        *(Case(QUIET, Order("quiet", sizes.quiet, seed)) for seed in range(1, sizes.quiet_seeds + 1)),
    ]
