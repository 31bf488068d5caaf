"""What publishing makes of its sources."""

import json
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.enforcement import Measure, Request
from stillwatch.enforcement.decide import decide
from stillwatch.enforcement.snapshot import open_snapshot
from stillwatch.errors import InputError, UsageError
from stillwatch.server.gate.publish import Sources, publish
from tests.enforcement.made import NOW, only

PROGRAMME = '[[programme]]\nname = "school"\nwhat = "distils"\norganizations = ["org"]\nuntil = 2100-01-01\n'


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Two accounts that the own record stands against; one is an organisation's that may distil."""
    warned, authorised, accounts = (tmp_path / name for name in ("warned.ndjson", "authorised.toml", "accounts.ndjson"))
    warned.write_text("".join(json.dumps({"account_id": n, "campaign_id": "c"}) + "\n" for n in ("a", "b")), "utf-8")
    authorised.write_text(PROGRAMME, "utf-8")
    rows = [{"account_id": "a", "organization_id": "org"}, {"account_id": "b", "organization_id": "other"}]
    accounts.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return Sources(warned=(warned,), authorised=authorised, accounts=accounts)


def test_an_organisations_programme_covers_its_accounts_whatever_the_request_says(
    tmp_path: Path, sources: Sources
) -> None:
    policy, state = only("block"), tmp_path / "gate"
    publish(state, policy, sources, NOW)
    snapshot = open_snapshot(state / "snapshot.arrow")
    found = {name: decide(Request(name), snapshot, policy, NOW).measure for name in "ab"}
    assert found == {"a": Measure.ALLOW, "b": Measure.OBSERVE}


def test_a_damaged_snapshot_is_not_taken_for_none(tmp_path: Path, sources: Sources) -> None:
    policy, state = only("block"), tmp_path / "gate"
    publish(state, policy, sources, NOW)
    (state / "snapshot.arrow").write_bytes(b"damage")
    with pytest.raises(InputError, match="move it away and publish again"):
        publish(state, policy, sources, NOW)
    (state / "snapshot.arrow").unlink()
    publish(state, policy, sources, NOW)
    assert open_snapshot(state / "snapshot.arrow").verdicts == 2


def test_a_customer_that_only_the_owners_file_names_is_known(tmp_path: Path) -> None:
    owners, state = tmp_path / "owners.ndjson", tmp_path / "gate"
    owners.write_text(json.dumps({"company": "a", "owner": "p", "share": 100, "seat": "YY"}) + "\n", "utf-8")
    rule = '[[access]]\nname = "r"\neffective = 2000-01-01\nshare = 50\ncompare = ">"\njurisdictions = ["XX"]\n'
    policy = only("block", rule)
    publish(state, policy, Sources(owners=owners), NOW)
    snapshot = open_snapshot(state / "snapshot.arrow")
    found = {name: decide(Request(name), snapshot, policy, NOW).access for name in "ab"}
    assert found == {"a": "", "b": "access_unverified"}


def test_nobody_real_answers_for_what_was_simulated(tmp_path: Path) -> None:
    """Findings of a simulated log say so; so does an indicator that was made of them."""
    found, drill, policy = tmp_path / "out", tmp_path / "drill.json", only("block")
    found.mkdir()
    pq.write_table(
        pa.table({"account_id": ["a"], "campaign_id": ["k"], "q_value": [1e-6], "score": [0.99]}),
        found / "accounts.parquet",
    )
    (found / "campaigns.json").write_text(json.dumps([{"id": "k", "evidence": [], "simulated": True}]))
    with pytest.raises(UsageError, match="--allow-simulated"):
        publish(tmp_path / "gate", policy, Sources((found,)), NOW)
    assert not (tmp_path / "gate" / "snapshot.arrow").exists()
    assert len(publish(tmp_path / "gate", policy, Sources((found,), simulated=True), NOW).plan.verdicts) == 1

    pattern = "[ipv4-addr:value ISSUBSET '10.1.2.0/24']"
    made = {"type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid4()}", "pattern_type": "stix",
            "indicator_types": ["malicious-activity"], "pattern": pattern,
            **dict.fromkeys(("created", "modified", "valid_from"), "2026-01-01T00:00:00Z")}  # fmt: skip
    for labels, simulated, told, silent in ((["drill"], False, 0, 1), (["drill"], True, 1, 0), ([], False, 1, 0)):
        drill.write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid4()}",
                                     "objects": [made | ({"labels": labels} if labels else {})]}))  # fmt: skip
        done = publish(tmp_path / "gate", policy, Sources(indicators=(drill,), simulated=simulated), NOW)
        assert (done.indicators, len(done.silent)) == (told, silent)
