"""Each look-alike looks alike, and each campaign shows what the record says of it."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lab.conftest import Log, make


def _distinct(rows: list[dict[str, Any]], field: str) -> int:
    return len({row[field] for row in rows if row[field] is not None})


def _top(rows: list[dict[str, Any]], field: str) -> float:
    return Counter(row[field] for row in rows).most_common(1)[0][1] / len(rows)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return make(tmp_path_factory.mktemp("quiet"), "quiet", requests=60_000, seed=8)


def test_batch_customer_and_authorised_programme_work_off_queues(quiet: Log) -> None:
    for name in ("batch_customer", "authorised_programme"):
        rows, accounts = quiet.of(name), quiet.accounts_of(name)
        assert _distinct(accounts, "organization_id") == 1 < len(accounts)
        assert _distinct(accounts, "payment_fingerprint") == 1
        assert _distinct(rows, "prompt") > 0.9 * len(rows)
        assert _distinct(rows, "system_prompt") == 1


def test_evaluation_vendor_asks_several_models_with_log_probabilities(quiet: Log) -> None:
    rows = quiet.of("evaluation_vendor")
    assert _distinct(rows, "model") >= 3
    assert any(row["logprobs"] for row in rows)
    assert {row["temperature"] for row in rows} == {0.0}


def test_classroom_shares_campus_week_and_questions(quiet: Log) -> None:
    rows, accounts = quiet.of("classroom"), quiet.accounts_of("classroom")
    assert np.mean([row["email_domain"].endswith(".edu") for row in accounts]) > 0.75
    made = [row["created_at"] for row in accounts]
    assert (max(made) - min(made)).days < 7
    assert _top(rows, "client_ip") > 0.2
    assert _distinct(rows, "prompt") < 0.5 * len(rows)


def test_enterprise_goes_out_by_one_address_with_diverse_prompts(quiet: Log) -> None:
    rows, accounts = quiet.of("enterprise_office"), quiet.accounts_of("enterprise_office")
    assert _top(rows, "client_ip") > 0.9
    assert _distinct(accounts, "email_domain") == 1 < len(accounts)
    assert _distinct(rows, "prompt") > 0.9 * len(rows)


def test_aggregator_carries_many_addresses_on_few_accounts(quiet: Log) -> None:
    rows = quiet.of("aggregator")
    assert _distinct(rows, "account_id") <= 4
    assert {row["pathway"] for row in rows} == {"aggregator"}
    assert _distinct(rows, "client_ip") > 0.2 * len(rows)
    assert _distinct(rows, "user_agent") > 50


def test_harness_users_share_prompt_tools_and_client_and_nothing_else(quiet: Log) -> None:
    rows, accounts = quiet.of("popular_harness"), quiet.accounts_of("popular_harness")
    assert _distinct(rows, "system_prompt") <= 3
    assert len({tuple(row["tools"]) for row in rows}) <= 3
    paying = [row["payment_fingerprint"] for row in accounts if row["payment_fingerprint"]]
    assert len(set(paying)) == len(paying)


def test_carrier_hides_strangers_behind_few_addresses(quiet: Log) -> None:
    rows = quiet.of("carrier_nat")
    behind: dict[str, set[str]] = {}
    for row in rows:
        behind.setdefault(row["client_ip"], set()).add(row["account_id"])
    assert max(map(len, behind.values())) > 50


def test_launch_crowd_comes_new_on_the_day_for_the_new_model(quiet: Log) -> None:
    rows, accounts = quiet.of("launch_crowd"), quiet.accounts_of("launch_crowd")
    assert {row["model"] for row in rows} == {"aurora-3"}
    assert all(0 <= (row["created_at"] - quiet.written.release).total_seconds() + 1 < 31 * 3600 for row in accounts)
    assert Counter(row["prompt"] for row in rows).most_common(1)[0][1] > 5


def test_extension_has_one_template_and_everyones_own_fillings(quiet: Log) -> None:
    rows = quiet.of("browser_extension")
    assert _distinct(rows, "system_prompt") == 1
    assert len({row["prompt"][:15] for row in rows}) <= 8
    assert _distinct(rows, "prompt") > 0.95 * len(rows)


def test_hackathon_is_new_in_a_day_with_the_sponsors_cards(quiet: Log) -> None:
    accounts = quiet.accounts_of("hackathon")
    made = [row["created_at"] for row in accounts]
    assert (max(made) - min(made)).total_seconds() < 86_400
    assert _top(accounts, "card_bin") > 0.6


def test_resellers_customers_share_payment_and_nothing_they_say(quiet: Log) -> None:
    rows, accounts = quiet.of("reseller_customers"), quiet.accounts_of("reseller_customers")
    assert _distinct(accounts, "payment_fingerprint") < len(accounts) / 5
    assert _distinct(rows, "prompt") > 0.7 * len(rows)


def test_teams_are_many_small_firms_each_with_its_own_ties(quiet: Log) -> None:
    rows, accounts = quiet.of("teams"), quiet.accounts_of("teams")
    firms: dict[str, list[dict[str, Any]]] = {}
    for row in accounts:
        firms.setdefault(row["organization_id"], []).append(row)
    assert len(firms) > 10
    assert len({members[0]["payment_fingerprint"] for members in firms.values()}) == len(firms)
    assert all(_distinct(members, "payment_fingerprint") == 1 for members in firms.values())
    prompts: dict[str, set[str]] = {}
    for row in rows:
        prompts.setdefault(row["organization_id"], set()).add(row["system_prompt"])
    assert all(len(each) == 1 for each in prompts.values())
    assert len(set.union(*prompts.values())) == len(prompts)


def test_households_share_a_home(quiet: Log) -> None:
    homes = Counter(row["signup_ip"] for row in quiet.accounts_of("households"))
    assert 1.5 < np.mean(list(homes.values())) < 4


def test_customers_repeat_themselves_and_each_other(quiet: Log) -> None:
    by_prompt: dict[str, list[str]] = {}
    for row in quiet.of("people", "launch_crowd"):
        by_prompt.setdefault(row["prompt"], []).append(row["account_id"])
    assert any(len(senders) > len(set(senders)) for senders in by_prompt.values()), "retries"
    assert any(len(set(senders)) > 2 for senders in by_prompt.values()), "popular prompts"


def test_blocks_come_back_to_whom_they_were_issued_save_in_replays(record: Log) -> None:
    issued: dict[str, tuple[str, str, Any]] = {}
    for row in record.requests.select(["account_id", "session_id", "timestamp", "reasoning_issued"]).to_pylist():
        for block in row["reasoning_issued"] or ():
            assert block not in issued, "a block is issued once"
            issued[block] = (row["account_id"], row["session_id"], row["timestamp"])
    foreign: Counter[str] = Counter()
    crossers = ("teams", "enterprise_office", "moonshot_replay_2026")
    for group in ("agents", "popular_harness", "people", *crossers):
        for row in record.of(group):
            for block in row["reasoning_replayed"] or ():
                account, session, at = issued[block]
                assert at <= row["timestamp"]
                if session != row["session_id"]:
                    foreign[group, account != row["account_id"]] += 1
    assert {name for name, _ in foreign} <= set(crossers)
    assert foreign["moonshot_replay_2026", True] > 100


def test_minimax_moves_half_its_traffic_in_a_day(tmp_path: Path) -> None:
    log = make(tmp_path, "minimax_2026", requests=30_000, seed=2, days=10, share=0.4)
    day = [
        row["model"] == "aurora-3"
        for row in log.of("minimax_2026")
        if 20 * 3600 < (row["timestamp"] - log.written.release).total_seconds() < 28 * 3600
    ]
    assert np.mean(day) == pytest.approx(0.5, abs=0.15)


def test_second_pool_takes_over_from_the_blocked_one(tmp_path: Path) -> None:
    log = make(tmp_path, "alibaba_second_pool_2026", requests=20_000, seed=2, share=0.3)
    seen: dict[str, list[Any]] = {}
    for row in log.of("alibaba_second_pool_2026"):
        seen.setdefault(row["account_id"], []).append(row["timestamp"])
    middle = log.written.first + (log.written.last - log.written.first) * 0.525
    assert all(max(times) < middle or min(times) > middle for times in seen.values())
    first = sum(max(times) < middle for times in seen.values())
    assert first / len(seen) == pytest.approx(3500 / 8500, abs=0.02)


def test_replay_campaign_sends_about_four_requests_an_account(record: Log) -> None:
    rows, accounts = record.of("moonshot_replay_2026"), record.accounts_of("moonshot_replay_2026")
    assert len(rows) / len(accounts) == pytest.approx(4, abs=1)


def test_campaigns_share_payment_and_their_task_is_never_done_twice(record: Log) -> None:
    for name in ("deepseek_2026", "zhipu_2026", "alpaca_2023"):
        rows, accounts = record.of(name), record.accounts_of(name)
        assert _distinct(accounts, "payment_fingerprint") < len(accounts) / 3
        assert _distinct(rows, "prompt") > 0.97 * len(rows)
