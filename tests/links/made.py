"""Account-artifact graphs made up for the tests: strangers, crowds that share one thing, and groups of one hand."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.links import build
from stillwatch.schema.evidence import TRAITS, Family, Kind
from stillwatch.schema.graph import Cluster, Incidence

KINDS = (
    Kind("card", Family.PAYMENT, "payment instrument", True),
    Kind("mail", Family.REGISTRATION, "mail domain", True),
    Kind("prefix", Family.NETWORK, "address block", True),
    Kind("day", Family.COHORT, "day the account was made", True),
    Kind("client", Family.SOFTWARE, "client fingerprint", True),
    Kind("system", Family.SOFTWARE, "system prompt", True),
    Kind("template", Family.CONTENT, "prompt template", True),
    Kind("volume", Family.TEMPO, "requests a day", False),
    Kind("asks", Family.CONDUCT, "share of prompts that ask for a grade", False, frozenset({"none"})),
)
Columns = dict[str, NDArray[np.str_]]


@dataclass
class Made:
    """Groups of accounts, a column of values for each kind; "" is no value."""

    groups: dict[str, Columns] = field(default_factory=dict)

    def add(self, group: str, columns: Columns) -> None:
        self.groups[group] = columns

    def accounts(self, group: str) -> list[str]:
        return [f"{group}-{i:06d}" for i in range(len(next(iter(self.groups[group].values()))))]

    def rows(self) -> list[tuple[str, str, str]]:
        """Account, kind and value."""
        return [
            (account, kind, value)
            for group, columns in self.groups.items()
            for kind, column in columns.items()
            for account, value in zip(self.accounts(group), column.tolist(), strict=True)
            if value
        ]

    def graph(self, rng: np.random.Generator | None = None, organisation: dict[str, str] | None = None) -> Incidence:
        """The graph of all groups; rows and accounts in random order if ``rng`` is given."""
        rows, accounts = self.rows(), [account for group in self.groups for account in self.accounts(group)]
        if rng is not None:
            rows = [rows[i] for i in rng.permutation(len(rows))]
            accounts = [accounts[i] for i in rng.permutation(len(accounts))]
        return build(traits(rows), KINDS, dict.fromkeys(accounts, 10), organisation or {})


def traits(rows: list[tuple[str, str, str]]) -> pa.Table:
    account, kind, value = zip(*rows, strict=True) if rows else ((), (), ())
    columns = [pa.array(column, pa.string()) for column in (account, kind, value)]
    return pa.table([*columns, pa.array([1] * len(rows), pa.int64())], schema=TRAITS)


def members(graph: Incidence, cluster: Cluster) -> list[str]:
    """Accounts of ``cluster``."""
    return sorted(account for actor in cluster.actors for account in graph.accounts[actor])


def numbered(prefix: str, numbers: NDArray[np.int64]) -> NDArray[np.str_]:
    return np.array([f"{prefix}{number}" for number in numbers])


def zipf(rng: np.random.Generator, size: int, values: int, prefix: str) -> NDArray[np.str_]:
    weight = 1.0 / np.arange(1, values + 1)
    return numbered(prefix, rng.choice(values, size, p=weight / weight.sum()))


def some(rng: np.random.Generator, values: NDArray[np.str_], part: float) -> NDArray[np.str_]:
    """``values`` of a part of the accounts, "" for the others."""
    return np.where(rng.random(len(values)) < part, values, "")


def strangers(rng: np.random.Generator, size: int, tag: str = "") -> Columns:
    """Customers who know nothing of one another; a few share a card, a mail domain or an address block."""
    return {
        "card": numbered(f"card{tag}-", rng.integers(0, 4 * size, size)),
        "mail": np.where(rng.random(size) < 0.8, zipf(rng, size, 12, "mail"),
                         numbered(f"own{tag}-", rng.integers(0, size, size))),
        "prefix": numbered(f"net{tag}-", rng.integers(0, 2 * size, size)),
        "day": numbered("day", rng.integers(0, 365, size)),
        "client": zipf(rng, size, 30, "client"),
        "system": some(rng, zipf(rng, size, 200, "system"), 0.3),
        "template": some(rng, zipf(rng, size, 300, "public"), 0.2),
        "volume": zipf(rng, size, 12, "v"),
        "asks": np.where(rng.random(size) < 0.97, "none", "often"),
    }  # fmt: skip


def one_hand(rng: np.random.Generator, size: int, tag: str) -> Columns:
    """Accounts of one actor: cards and blocks that go round, mail domains and templates of its own, one week."""
    few = max(2, size // 8)
    week = sum(map(ord, tag)) * 37
    return strangers(rng, size, f"-{tag}") | {
        "card": numbered(f"card-{tag}-", rng.integers(0, few, size)),
        "mail": some(rng, numbered(f"mail-{tag}-", rng.integers(0, max(2, size // 100), size)), 0.9),
        "prefix": numbered(f"net-{tag}-", rng.integers(0, few, size)),
        "day": numbered("day", (week + rng.integers(0, 4, size)) % 365),
        "template": numbered(f"template-{tag}-", rng.integers(0, 3, size)),
        "asks": np.full(size, "often"),
    }
