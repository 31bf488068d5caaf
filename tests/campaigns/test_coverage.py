"""What programmes cover is taken apart before anything is tested."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from stillwatch.campaigns import Programme
from stillwatch.campaigns.coverage import Standing, covering, naming_nobody, parted, uncovered
from tests.campaigns.made import POOL, graph, pool
from tests.signals.made import activity

DAY = 86_400_000_000
END = int(datetime(2026, 2, 1, tzinfo=UTC).timestamp()) * 1_000_000


def programme(
    *accounts: str, until: date = date(2026, 1, 31), organizations: frozenset[str] = frozenset()
) -> Programme:
    return Programme("a study", "sampling", frozenset(accounts), organizations, until)


def part(programmes: list[Programme], last: dict[str, int] | None = None, organisation: dict[str, str] | None = None):
    made = graph(organisation)
    names = [account for own in made.accounts for account in own]
    covered = covering(names, organisation or {}, programmes)
    seen = dict.fromkeys(names, END - DAY) | (last or {})
    clusters, standing = parted(made, np.arange(len(made.actors)), [pool(made)], covered, seen)
    told = [sorted(a for actor in c.actors for a in made.accounts[actor]) for c in clusters]
    return told, standing, clusters


def test_without_a_programme_nothing_changes() -> None:
    told, standing, _ = part([])
    assert (told, standing) == ([POOL], [Standing()])


def test_a_programme_of_a_few_accounts_takes_these_apart() -> None:
    told, (theirs, rest), clusters = part([programme(*POOL[:4])])
    assert told == [POOL[:4], POOL[4:]]
    assert theirs.programme is not None
    assert theirs.programme.name == "a study"
    assert (rest.programme, rest.ends) == (None, {})
    assert rest.note.startswith("the programme 'a study' covers 4 more accounts tied to these")
    assert all(len(c.odds) == len(c.actors) for c in clusters)


def test_what_is_too_small_to_be_tested_is_told_of_only() -> None:
    told, (rest,), _ = part([programme(POOL[0])])
    assert told == [POOL[1:]]
    assert "1 more account tied to these" in rest.note


@pytest.mark.parametrize("covered", [7, 9, 10])
def test_a_programme_of_nearly_all_covers_the_cluster(covered: int) -> None:
    told, (standing,), _ = part([programme(*POOL[:covered])])
    assert told == [POOL]
    assert standing.programme is not None
    assert standing.covered == ("these accounts" if covered == 10 else f"{covered} of these 10 accounts")


def test_an_account_that_went_on_after_the_end_stays_and_only_its_later_requests_count() -> None:
    told, (standing,), _ = part([programme(*POOL)], dict.fromkeys(POOL, END + DAY))
    assert told == [POOL]
    assert standing.programme is None
    assert standing.ends == dict.fromkeys(POOL, END)
    assert "covers 10 of these accounts up to 2026-01-31 only" in standing.note


def test_the_last_microsecond_is_covered_and_the_next_is_not() -> None:
    assert part([programme(*POOL)], dict.fromkeys(POOL, END - 1))[1][0].programme is not None
    assert part([programme(*POOL)], dict.fromkeys(POOL, END))[1][0].programme is None


def test_an_organisation_is_covered_only_with_all_its_accounts() -> None:
    organisation = {POOL[0]: "o", POOL[1]: "o"}
    told, (standing,), _ = part([programme(POOL[0])], organisation=organisation)
    assert told == [POOL]
    assert standing.ends == {POOL[0]: END}
    whole = programme(organizations=frozenset({"o"}))
    told, (standing,), _ = part([whole], organisation=organisation)
    assert told == [POOL[2:]]
    assert "2 more accounts" in standing.note


def test_of_two_programmes_the_longer_counts() -> None:
    long = programme("a", until=date(2026, 5, 1))
    assert covering(["a", "b"], {}, [programme("a"), long, programme("a")]) == {"a": long}


def test_requests_that_were_covered_are_left_out() -> None:
    asked = activity([0, 0, 1, 1], np.array([0, 10, 0, 10]))
    begin = int(asked.time.min()) + 5
    assert uncovered(asked, {}) is asked
    left = uncovered(asked, {"a0": begin, "other": begin})
    assert left.account.tolist() == [1, 0, 1]
    assert left.accounts == asked.accounts
    assert len(left.sketch) == len(left) == 3


def test_a_programme_that_names_nobody_of_the_log_is_told() -> None:
    by_organisation = programme(organizations=frozenset({"org-1"}))
    assert naming_nobody(["a", "b"], {"b": "org-1"}, [programme("a"), by_organisation]) == ()
    (line,) = naming_nobody(["b"], {}, [programme("a", "b"), by_organisation])
    assert line.startswith("programme a study: none of the accounts")
    assert naming_nobody(["a"], {}, []) == ()
