"""A group that hides nothing is one customer."""

import pyarrow as pa
import pytest

from stillwatch.campaigns.openly import Openness, openly_one, rows_of
from stillwatch.schema.requests import ACCOUNTS


def accounts(group: int = 10, others: int = 50, **same: object) -> pa.Table:
    rows = [
        {"account_id": f"g{i}", "payment_fingerprint": f"card{i}", "email_domain": "mail.example", "verified": False}
        | same
        for i in range(group)
    ]
    rows += [{"account_id": f"o{i}", "email_domain": "mail.example", "verified": True} for i in range(others)]
    return pa.Table.from_pylist(rows, ACCOUNTS)


def look(table: pa.Table) -> Openness:
    return openly_one(table, rows_of(table), GROUP)


GROUP = [f"g{i}" for i in range(10)]


@pytest.mark.parametrize(
    ("same", "holds"),
    [
        ({"payment_fingerprint": "one", "verified": True}, True),
        ({"payment_fingerprint": "one", "email_domain": "own.example"}, False),  # as a campaign's; none is verified
        ({"payment_fingerprint": "one", "email_domain": "own.example", "verified": None}, True),
        ({"payment_fingerprint": "one"}, False),  # a webmail domain is nobody's own
        ({"email_domain": "own.example", "verified": True}, False),
        ({"payment_fingerprint": None, "email_domain": None, "verified": None}, False),
        ({}, False),
    ],
)
def test_one_instrument_and_a_verified_or_own_name(same: dict[str, object], holds: bool) -> None:
    found = look(accounts(**same))
    assert found.holds is holds
    assert "%" in found.why


def test_accounts_that_the_file_does_not_know_are_not_open() -> None:
    assert not look(ACCOUNTS.empty_table()).holds
    half = accounts(5, payment_fingerprint="one", verified=True)
    assert not look(half).holds
