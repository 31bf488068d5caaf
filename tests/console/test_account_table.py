import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.console.account_table import PHRASES, account_columns, embedded, ranked, shares
from tests.console.samples import large_campaign, small_campaign

COLUMNS = ("id", "score", "requests", "total", "tokens", "first", "last", "ties", "more")


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_embedded_data_cannot_leave_its_element_and_comes_back_whole(data: object) -> None:
    text = str(embedded(data))
    assert not set("<>&") & set(text)
    assert json.loads(text) == data


def test_columns_say_of_every_account_what_its_member_does() -> None:
    campaign = large_campaign(400)
    columns = account_columns(campaign)
    assert {len(columns[name]) for name in COLUMNS} == {400}
    for row, member in enumerate(ranked(campaign)):
        assert columns["id"][row] == member.account_id
        assert columns["start"] + columns["last"][row] == int(member.last_seen.timestamp())
        assert [columns["phrases"][index] for index in columns["ties"][row]] == list(member.ties)
    scores = columns["score"]
    assert scores == sorted(scores, reverse=True)


def test_phrases_of_one_account_alone_cannot_swell_the_page() -> None:
    campaign = large_campaign(3000)
    own = tuple(replace(m, ties=(*m.ties, f"address 203.0.113.{n}" * 9)) for n, m in enumerate(campaign.members))
    columns = account_columns(replace(campaign, members=own))
    assert len(columns["phrases"]) == PHRASES
    assert all(
        len(ties) + more == len(m.ties)
        for ties, more, m in zip(columns["ties"], columns["more"], ranked(replace(campaign, members=own)), strict=True)
    )


def test_no_members() -> None:
    assert account_columns(replace(large_campaign(2), members=()))["id"] == []


def test_members_that_say_nothing_are_told_by_the_ties_that_list_them() -> None:
    campaign = small_campaign()
    silent = replace(campaign, members=tuple(replace(m, ties=()) for m in campaign.members))
    for account, phrases in shares(silent).items():
        assert phrases == tuple(f"{tie.kind} {tie.value}" for tie in campaign.ties if account in tie.accounts)
    assert shares(campaign)[campaign.accounts[0]] == ("replayed reasoning block",)
