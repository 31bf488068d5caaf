"""Logs that have the canonical names already. Source: ``schema.requests``."""

from collections.abc import Iterable

from stillwatch.ingest.interface import Record, Row
from stillwatch.schema.requests import ACCOUNTS, REQUIRED


class Canonical:
    """The canonical request log, and the accounts table."""

    name = "canonical"

    def sniff(self, row: Row) -> float:
        """The share of the required fields that the row has (an accounts table needs its id and one field more)."""
        return sum(name in row for name in REQUIRED) / len(REQUIRED)

    def records(self, row: Row) -> Iterable[Record]:
        """The row itself."""
        return (row,)


class CanonicalAccounts(Canonical):
    """The canonical accounts table."""

    def sniff(self, row: Row) -> float:
        """Sure of a row with an account id and any other field of the table."""
        return float("account_id" in row and sum(name in row for name in ACCOUNTS.names) > 1)
