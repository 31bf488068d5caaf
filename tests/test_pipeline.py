"""The whole path on simulated traffic: what it finds, whom it leaves alone, and what may not change a finding."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch import pipeline
from stillwatch.console import campaigns_json
from stillwatch.engine import DuckDBEngine, Engine
from stillwatch.ingest.pseudonym import Pseudonymiser
from stillwatch.pipeline import Log, Options
from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import ACCOUNTS, NATIONALITY, REQUIRED
from tests.logs import CAMPAIGN, Made, Ran, detect, make

REQUESTS = 40_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A day at one provider with one campaign and all hard negatives."""
    return make(tmp_path_factory.mktemp("demo"), "demo", REQUESTS, seed=1)


@pytest.fixture(scope="module")
def found(demo: Made, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Findings of the log as it is."""
    out = tmp_path_factory.mktemp("found")
    return detect(demo.path / "requests", out, "--accounts", demo.path / "accounts.parquet")


def written(folder: Path, requests: pa.Table, accounts: pa.Table | None = None) -> tuple[Path, list[object]]:
    """A changed log in ``folder``, and the options that name its accounts."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(requests, folder / "requests.parquet")
    if accounts is None:
        return folder / "requests.parquet", []
    pq.write_table(accounts, folder / "accounts.parquet")
    return folder / "requests.parquet", ["--accounts", folder / "accounts.parquet"]


def test_the_campaign_is_found_as_one_finding(demo: Made, found: Ran) -> None:
    true = demo.of(CAMPAIGN)
    assert found.status == 3
    assert len(found.campaigns) == 1
    assert len(found.accused & true) >= 0.95 * len(true)
    assert len(found.accused & true) >= 0.95 * len(found.accused)


def test_its_requests_are_told_from_its_accounts_other_ones(demo: Made, found: Ran) -> None:
    table = pq.read_table(found.folder / "requests.parquet")
    named = set(table["request_id"].to_pylist())
    assert table.column_names == ["request_id", "campaign_id"]
    assert set(table["campaign_id"].to_pylist()) == {c["id"] for c in found.campaigns}
    true = {request for request, group in demo.request_group.items() if group == CAMPAIGN}
    assert len(named & true) >= 0.95 * len(true)
    assert len(named & true) >= 0.95 * len(named)
    assert len(named) == table.num_rows == sum(c["requests"] for c in found.campaigns)


def test_no_hard_negative_is_accused(demo: Made, found: Ran) -> None:
    assert not {demo.group[account] for account in found.accused} - {CAMPAIGN}


def test_every_account_has_a_row(demo: Made, found: Ran) -> None:
    table = pq.read_table(found.folder / "accounts.parquet")
    assert table.column_names == ["account_id", "campaign_id", "score", "q_value"]
    assert table["account_id"].to_pylist() == sorted(set(demo.requests["account_id"].to_pylist()))
    rows = {row["account_id"]: row for row in table.to_pylist()}
    for campaign in found.campaigns:
        for account in campaign["accounts"]:
            row = rows.pop(account)
            assert row["campaign_id"] == campaign["id"]
            assert row["q_value"] == pytest.approx(campaign["q_value"])
            assert row["q_value"] <= 0.01
            assert 0.5 < row["score"] <= 1.0
    for cleared in found.findings["cleared"]:
        held = any(c["holds"] and c["p_value"] is None for c in cleared["considered"])
        for member in cleared["members"]:
            row = rows.pop(member["account_id"])
            assert row["campaign_id"] is None
            assert row["q_value"] == (1.0 if held else pytest.approx(cleared["q_value"], rel=1e-5))
            assert row["score"] == pytest.approx(member["score"] * (1 - row["q_value"]), abs=1e-5)
    assert {(row["campaign_id"], row["score"], row["q_value"]) for row in rows.values()} == {(None, 0.0, 1.0)}


def test_every_member_says_what_it_shares(found: Ran) -> None:
    for campaign in found.findings["campaigns"]:
        told = [member["ties"] for member in campaign["members"]]
        assert sum(map(bool, told)) >= 0.9 * len(told)
        held = Counter(words for ties in told for words in ties)
        assert sum(n for n in held.values() if n >= 2) >= 0.9 * held.total()
        assert max(held.values()) >= 0.5 * len(told)


def test_the_finding_can_be_traced_to_the_log(demo: Made, found: Ran) -> None:
    """Counts, tokens and times are those of the requests named."""
    (campaign,) = found.campaigns
    named = set(pq.read_table(found.folder / "requests.parquet")["request_id"].to_pylist())
    rows = [row for row in demo.requests.to_pylist() if row["request_id"] in named]
    assert campaign["requests"] == len(rows)
    assert campaign["output_tokens"] == sum(row["output_tokens"] or 0 for row in rows)
    for key, pick in (("first_seen", min), ("last_seen", max)):
        assert campaign[key] == pick(row["timestamp"] for row in rows).isoformat().replace("+00:00", "Z")
    assert set(campaign["accounts"]) == {row["account_id"] for row in rows}
    assert sum(bin_["requests"] for bin_ in campaign["timeline"]) == campaign["requests"]
    assert campaign["templates"][0]["skeleton"]


def test_a_quiet_week_accuses_nobody(tmp_path: Path) -> None:
    quiet = make(tmp_path / "log", "quiet", 25_000, seed=3)
    ran = detect(quiet.path / "requests", tmp_path / "out", "--accounts", quiet.path / "accounts.parquet")
    assert (ran.status, ran.campaigns) == (0, [])
    assert pq.read_table(tmp_path / "out" / "requests.parquet").num_rows == 0


def test_order_and_files_of_the_input_do_not_matter(demo: Made, found: Ran, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shuffled = demo.requests.take(rng.permutation(demo.requests.num_rows))
    (tmp_path / "log").mkdir()
    cut = shuffled.num_rows // 3
    pq.write_table(shuffled.slice(cut), tmp_path / "log" / "a.parquet", row_group_size=5000)
    pq.write_table(shuffled.slice(0, cut), tmp_path / "log" / "b.parquet")
    accounts = tmp_path / "accounts.parquet"
    pq.write_table(demo.accounts.take(rng.permutation(demo.accounts.num_rows)), accounts)
    again = detect(tmp_path / "log", tmp_path / "out", "--accounts", accounts)
    assert_same(again.folder, found.folder)


@pytest.mark.parametrize("how", ["permuted", "removed"])
def test_nationality_is_in_no_finding(demo: Made, found: Ran, tmp_path: Path, how: str) -> None:
    """Rule of evidence 4: permute country, owner and owner's seat, or leave them out, and nothing changes."""
    rng = np.random.default_rng(5)
    tables = []
    for table in (demo.requests, demo.accounts):
        for name in sorted(NATIONALITY & set(table.column_names)):
            column = table[name].take(rng.permutation(table.num_rows))
            if how == "permuted":
                assert column.null_count < len(column)
                assert column != table[name]
                table = table.set_column(table.column_names.index(name), name, column)
            else:
                table = table.drop_columns([name])
        tables.append(table)
    logs, options = written(tmp_path / "log", *tables)
    again = detect(logs, tmp_path / "out", *options)
    assert_same(again.folder, found.folder)


def assert_same(one: Path, two: Path) -> None:
    """The findings of two runs, byte by byte and row by row."""
    assert (one / "campaigns.json").read_bytes() == (two / "campaigns.json").read_bytes()
    for name in ("accounts.parquet", "requests.parquet"):
        assert pq.read_table(one / name).equals(pq.read_table(two / name)), name


def test_a_pseudonymised_log_gives_the_same_accounts(demo: Made, found: Ran, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(range(64)))
    key.chmod(0o600)
    ran = detect(
        demo.path / "requests", tmp_path / "out", "--accounts", demo.path / "accounts.parquet", "--pseudonymise", key
    )
    pseudonym = Pseudonymiser.from_file(key)
    assert ran.status == 3
    assert ran.accused == {pseudonym.hash("account", account) for account in found.accused}
    assert all(template["skeleton"] == "" for c in ran.campaigns for template in c["templates"])
    whole = (ran.folder / "findings.json").read_text() + (ran.folder / "report.html").read_text()
    assert not any(account in whole for account in found.accused)


def test_without_the_accounts_file_it_says_what_was_not_measured(demo: Made, tmp_path: Path) -> None:
    ran = detect(demo.path / "requests", tmp_path / "out")
    assert ran.status in (0, 3)
    assert {demo.group[account] for account in ran.accused} <= {CAMPAIGN}
    assert any("accounts.payment_fingerprint" in line for line in ran.findings["abstained"])
    for campaign in ran.campaigns:
        assert any("accounts.payment_fingerprint" in line for line in campaign["not_measured"])


def test_with_only_the_required_fields_it_runs_and_accuses_nobody(demo: Made, tmp_path: Path) -> None:
    logs, _ = written(tmp_path / "log", demo.requests.select(REQUIRED))
    ran = detect(logs, tmp_path / "out")
    assert (ran.status, ran.campaigns) == (0, [])
    missing = " ".join(ran.findings["abstained"])
    for name in ("requests.client_ip", "prints.prompt_hash", "accounts.card_bin", "requests.output_tokens"):
        assert name in missing


def test_empty_texts_say_nothing(demo: Made, tmp_path: Path) -> None:
    """Every prompt is empty: that everybody sends the same (nothing) is no template and ties nobody."""
    requests = demo.requests
    for name in ("prompt", "system_prompt"):
        place = requests.column_names.index(name)
        requests = requests.set_column(place, name, pa.array([""] * requests.num_rows))
    logs, options = written(tmp_path / "log", requests, demo.accounts)
    ran = detect(logs, tmp_path / "out", *options)
    assert ran.status in (0, 3)
    assert {demo.group[account] for account in ran.accused} <= {CAMPAIGN}
    assert all(not c["templates"] for c in ran.campaigns)


def test_one_request_is_a_log(demo: Made, tmp_path: Path) -> None:
    logs, _ = written(tmp_path / "log", demo.requests.slice(0, 1))
    ran = detect(logs, tmp_path / "out")
    assert (ran.status, ran.campaigns) == (0, []), ran.err
    assert pq.read_table(ran.folder / "accounts.parquet").num_rows == 1


def test_a_log_of_nothing_is_a_failure_that_says_so(demo: Made, tmp_path: Path) -> None:
    logs, _ = written(tmp_path / "log", demo.requests.slice(0, 0))
    ran = detect(logs, tmp_path / "out")
    assert ran.status == 1
    assert f"{logs}: not one good row" in ran.err


def small(demo: Made) -> tuple[pa.Table, pa.Table]:
    """The campaign and a part of the rest: few enough for two engines."""
    rng = np.random.default_rng(2)
    drawn = set(rng.choice(sorted(set(demo.group) - demo.of(CAMPAIGN)), 900, replace=False)) | demo.of(CAMPAIGN)
    keep = pa.array([account in drawn for account in demo.requests["account_id"].to_pylist()])
    own = pa.array([account in drawn for account in demo.accounts["account_id"].to_pylist()])
    return demo.requests.filter(keep), demo.accounts.filter(own)


def on(engine: Engine, folder: Path, requests: pa.Table, accounts: pa.Table) -> None:
    folder.mkdir()
    pq.write_table(requests, folder / "log.parquet")
    fields = {f"requests.{name}" for name in requests.column_names if requests[name].null_count < len(requests)}
    fields |= {f"accounts.{name}" for name in accounts.column_names if accounts[name].null_count < len(accounts)}
    texts = [name for name in PRINTS.names if name != "response_words"]
    fields |= {f"prints.{name}" for name in texts}
    log = Log([folder / "log.parquet"], accounts.select(ACCOUNTS.names).cast(ACCOUNTS), frozenset(fields))
    (folder / "campaigns.json").write_bytes(campaigns_json(pipeline.detect(log, engine, Options(), folder)))


def test_both_engines_find_the_same(demo: Made, spark_engine: Engine, tmp_path: Path) -> None:
    requests, accounts = small(demo)
    duckdb = DuckDBEngine(threads=2, memory="1GB")
    on(duckdb, tmp_path / "duckdb", requests, accounts)
    duckdb.close()
    on(spark_engine, tmp_path / "spark", requests, accounts)
    assert (tmp_path / "duckdb" / "campaigns.json").read_bytes() != b"[]\n"
    assert_same(tmp_path / "spark", tmp_path / "duckdb")
