import filecmp
import tomllib
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError, UsageError
from stillwatch.lab import SCENARIOS, Order, generate
from stillwatch.lab import write as writing
from stillwatch.lab.negatives import NEGATIVES
from stillwatch.schema.requests import ACCOUNTS, REQUESTS, REQUIRED
from tests.lab.conftest import Log, make


def test_the_log_is_canonical(record: Log) -> None:
    assert record.requests.schema.equals(REQUESTS)
    assert record.accounts.schema.equals(ACCOUNTS)
    for name in REQUIRED:
        assert record.requests[name].null_count == 0
    given = set(REQUESTS.names) - {"response"}
    empty = {name for name in given if record.requests[name].null_count == len(record.requests)}
    assert not empty, "a provider would have these"
    for table, name in ((record.requests, "request_id"), (record.accounts, "account_id")):
        assert pc.count_distinct(table[name]).as_py() == len(table)


def test_requests_come_in_order_of_time_and_after_their_account(record: Log) -> None:
    times = record.requests["timestamp"]
    assert pc.all(pc.less_equal(times[:-1], times[1:])).as_py()
    joined = record.requests.select(["account_id", "timestamp"]).join(record.accounts, "account_id")
    assert pc.all(pc.less(joined["created_at"], joined["timestamp"])).as_py()


def test_truth_is_whole(record: Log) -> None:
    assert record.true_requests["request_id"].combine_chunks().equals(record.requests["request_id"].combine_chunks())
    assert record.true_accounts["account_id"].combine_chunks().equals(record.accounts["account_id"].combine_chunks())
    assert set(record.requests["account_id"].to_pylist()) <= set(record.accounts["account_id"].to_pylist())
    requests, accounts = (Counter(table["group"].to_pylist()) for table in (record.true_requests, record.true_accounts))
    for group in record.groups:
        assert (requests[group["group"]], accounts[group["group"]]) == (group["requests"], group["accounts"])
    assert sum(group["requests"] for group in record.groups) == len(record.requests) == 60_000
    assert sum(group["accounts"] for group in record.groups) == len(record.accounts)


def test_a_request_is_of_its_accounts_group_or_relayed(record: Log) -> None:
    account = dict(
        zip(record.true_accounts["account_id"].to_pylist(), record.true_accounts["group"].to_pylist(), strict=True)
    )
    of = zip(record.requests["account_id"].to_pylist(), record.true_requests["group"].to_pylist(), strict=True)
    assert {(account[who], group) for who, group in of if account[who] != group} == {
        ("minimax_2026", "relayed_customers")
    }


def test_the_record_has_every_campaign_and_every_hard_negative(record: Log) -> None:
    kinds = Counter(group["kind"] for group in record.groups)
    assert kinds["campaign"] == 9
    assert {group["group"] for group in record.groups if group["kind"] == "hard_negative"} == {
        g.name for g in NEGATIVES
    }
    assert all(group["requests"] > 0 for group in record.groups)


def test_nothing_but_the_truth_names_a_group(record: Log) -> None:
    """No form of identifier, time or parameter belongs to campaigns alone."""
    guilty = {group["group"] for group in record.groups if group["kind"] == "campaign"}
    ours = record.table(*(group["group"] for group in record.groups if group["group"] not in guilty))
    theirs = record.table(*guilty)
    for name in ("model", "pathway", "stop_reason", "temperature", "max_tokens"):
        assert set(theirs[name].unique().to_pylist()) <= set(ours[name].unique().to_pylist()), name
    for name in ("request_id", "account_id", "credential_id", "session_id"):
        shape = {
            pc.replace_substring_regex(table[name], "[0-9a-f]", "x").unique().to_pylist()[0] for table in (ours, theirs)
        }
        assert len(shape) == 1
    for table in (ours, theirs):
        sub = pc.microsecond(table["timestamp"]).to_numpy()
        assert len(set((sub % 10).tolist())) == 10


def test_equal_orders_give_equal_files_and_other_seeds_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(Order("demo", tmp_path / name, requests=4000, seed=seed))
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    same, other, errors = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", map(str, files), shallow=False)
    assert (len(same), other, errors) == (len(files), [], [])
    one, two = (pq.read_table(tmp_path / name / "requests") for name in ("a", "c"))
    for name, most in (("request_id", 0.0), ("account_id", 0.0), ("client_ip", 0.01), ("prompt", 0.03)):
        shared = set(one[name].to_pylist()) & set(two[name].to_pylist())
        assert len(shared) <= most * len(one), name


def test_slicing_does_not_change_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make(tmp_path / "whole", "demo", requests=3000)
    monkeypatch.setattr(writing, "_SLICE", 700)
    monkeypatch.setattr(writing, "_FILE", 1500)
    sliced = make(tmp_path / "sliced", "demo", requests=3000)
    assert len(list((tmp_path / "sliced" / "requests").iterdir())) == 2
    assert sliced.requests.equals(whole.requests)
    assert sliced.true_requests.equals(whole.true_requests)


@pytest.mark.parametrize("scenario", [each.name for each in SCENARIOS])
def test_every_scenario_plays(tmp_path: Path, scenario: str) -> None:
    log = make(tmp_path, scenario, requests=3000)
    assert log.written.requests == len(log.requests) == 3000
    guilty = [group for group in log.groups if group["kind"] == "campaign"]
    expected = next(each for each in SCENARIOS if each.name == scenario)
    assert {group["group"] for group in guilty} == set(expected.campaigns)
    span = (log.written.last - log.written.first).total_seconds() / 86_400
    assert span <= expected.days


def test_a_log_of_one_request_is_a_log(tmp_path: Path) -> None:
    assert make(tmp_path, "quiet", requests=1).requests.num_rows == 1


def test_the_authorised_programme_is_declared(record: Log) -> None:
    (programme,) = tomllib.loads((record.written.out / "authorised.toml").read_text())["programme"]
    listed = {row["account_id"] for row in record.accounts_of("authorised_programme")}
    assert set(programme["accounts"]) == listed
    assert programme["until"] > record.written.last.date()


def test_responses_are_null_unless_asked_for(record: Log, tmp_path: Path) -> None:
    assert record.requests["response"].null_count == len(record.requests)
    assert make(tmp_path, "quiet", requests=500, responses=True).requests["response"].null_count == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scenario": "nothing"}, "no scenario"),
        ({"requests": 0}, "at least one"),
        ({"days": 0.0001}, "366 days"),
        ({"share": 1.5}, "between 0 and 1"),
        ({"evade": {"magic": 1.0}}, "no evasion knob"),
        ({"evade": {"jitter": 2.0}}, "not between"),
    ],
)
def test_bad_orders_are_refused(tmp_path: Path, options: dict[str, object], match: str) -> None:
    order = {"scenario": "demo", "requests": 100, "out": tmp_path / "new", **options}
    with pytest.raises(UsageError, match=match):
        generate(Order(**order))  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_a_log_is_never_written_over(tmp_path: Path) -> None:
    generate(Order("demo", tmp_path, requests=100))
    with pytest.raises(UsageError, match="already holds a log"):
        generate(Order("demo", tmp_path, requests=100))


def test_a_missing_corpus_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="corpus is missing"):
        generate(Order("demo", tmp_path / "out", requests=100, corpora=tmp_path))
