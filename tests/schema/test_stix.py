"""The fixed ids, and that what may be said is what the signals measure."""

import re
import uuid

from stillwatch.schema import stix
from stillwatch.signals import TRAIT_SIGNALS
from stillwatch.signals.sql import SHARES, SqlTrait, labels
from stillwatch.text.cues import CUES

#: Published once and never changed; others' data refers to them.
FIXED = {
    "template-fingerprint": "78b39e15-192f-40a0-a847-0c55a10679ad",
    "account-cohort": "32a3d73c-6959-4c3d-a119-8c7ee9eeb226",
    "proxy-cluster": "980a0de9-6216-4114-ba8d-b1fec428b826",
    "extraction-objective": "6728cf2d-11fc-455c-b364-c1b3bf6bad7b",
    "reasoning-replay": "e3dc85a1-955a-464a-bdf9-0f851f1a175c",
    "client-fingerprint": "051d8150-16eb-4025-9185-d31c461119d6",
    "signature": "688291e5-2786-4180-9698-0c51ec3dca18",
}


def test_ids_are_fixed_random_uuids_and_no_two_are_the_same() -> None:
    assert {e.name: e.id.partition("--")[2] for e in stix.EXTENSIONS} == FIXED
    ours = [e.id for e in stix.EXTENSIONS] + [t.id for t in stix.TECHNIQUES.values()] + [stix.PROJECT]
    assert len(set(ours)) == len(ours)
    assert {uuid.UUID(id_.partition("--")[2]).version for id_ in ours} == {4}


def _bins(trait: str) -> set[str]:
    """Labels that the signal of ``trait`` can give, from its own SQL."""
    for signal in TRAIT_SIGNALS:
        if isinstance(signal, SqlTrait) and any(kind.name == trait for kind in signal.kinds):
            return {a or b for a, b in re.findall(r"THEN '([^']*)'|ELSE '([^']*)'", signal.sql)}
    return set(labels(SHARES))


def test_cohorts_can_say_every_bin_that_the_signals_give() -> None:
    item = stix.COHORT.schema["properties"]["behaviours"]["items"]["properties"]
    kinds = {kind.name: kind for signal in TRAIT_SIGNALS for kind in signal.kinds}
    said = set(item["bin"]["enum"])
    for trait in item["trait"]["enum"]:
        assert not kinds[trait].artifact
        assert _bins(trait) <= said, trait
    assert {f"cue_{cue.name}" for cue in CUES} <= set(item["trait"]["enum"])
    assert set(stix.OBJECTIVE.schema["properties"]["cues"]["items"]["enum"]) == {cue.name for cue in CUES}


def test_proxies_and_replays_too() -> None:
    proxy = stix.PROXY.schema["properties"]
    both = set(proxy["addresses"]["enum"]) | set(proxy["address_turnover"]["enum"])
    assert _bins("addresses") == both
    assert _bins("user_agents") == set(proxy["user_agents"]["enum"])
    assert set(stix.REPLAY.schema["properties"]["share"]["enum"]) == set(labels(SHARES))
