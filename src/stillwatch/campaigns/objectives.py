"""What a campaign is after, and the MITRE ATLAS techniques it shows."""

from collections.abc import Mapping

from stillwatch.schema.evidence import Family
from stillwatch.text.cues import CUES

#: Capability -> the cues that name it.
TARGETS = {
    "reasoning": ("reasoning", "reconstruction", "language"),
    "grading": ("rubric", "preference"),
    "instruction data": ("generation", "rewriting"),
    "agentic use": ("agentic",),
    "coding": ("coding",),
}

#: A capability is targeted if so many of the campaign's requests ask for it, and so many times more than others' do.
OFTEN, MORE = 0.1, 1.5


def targets(cues: Mapping[int, int], requests: int, rest_cues: Mapping[int, int], rest: int) -> tuple[str, ...]:
    """Capabilities targeted, most asked first.

    Args:
        cues: bit set -> requests of the campaign with exactly these cues.
        requests: requests of the campaign.
        rest_cues: the same of other accounts.
        rest: requests of other accounts.
    """
    rates = []
    for target, names in TARGETS.items():
        mask = sum(1 << cue.bit for cue in CUES if cue.name in names)
        rate = sum(n for bits, n in cues.items() if bits & mask) / max(requests, 1)
        usual = sum(n for bits, n in rest_cues.items() if bits & mask) / max(rest, 1)
        if rate >= OFTEN and rate >= MORE * usual:
            rates.append((-rate, target))
    return tuple(target for _, target in sorted(rates))


def techniques(bits: Mapping[Family, float]) -> tuple[str, ...]:
    """MITRE ATLAS techniques, given the log2 Bayes factor of each family against strangers.

    Extraction through the inference API is what a campaign is; the rest needs its own evidence (1 in 1,000).
    """
    found = {"AML.T0024.002", "AML.T0040"}
    if bits.get(Family.CONTENT, 0.0) >= 10:
        found.add("AML.T0065")
    if max(bits.get(Family.REGISTRATION, 0.0), bits.get(Family.COHORT, 0.0), bits.get(Family.PAYMENT, 0.0)) >= 10:
        found.add("AML.T0021")
    if bits.get(Family.NETWORK, 0.0) >= 10:
        found.add("AML.T0008.005")
    return tuple(sorted(found))
