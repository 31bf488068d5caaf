"""From specifications to accounts: how many each group has, who they are, and the accounts table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stillwatch.lab import infrastructure
from stillwatch.lab.columns import Column, Objects, column, hexes, objects, times
from stillwatch.lab.infrastructure import COUNTRIES, Internet
from stillwatch.lab.keyed import Ints, Keys, Part, choose, exponential, keys, normal, uniform, word
from stillwatch.lab.spec import Group, Mix
from stillwatch.schema.requests import ACCOUNTS

DAY = 86_400_000_000  # microseconds
_HOMES: Mix = (("isp", 0.7), ("mobile", 0.3))  # where members of a group that shares addresses are when away


@dataclass(slots=True)
class Cast:
    """All accounts of a scenario as columns; ``group`` indexes ``groups``, times are microseconds since the epoch."""

    groups: tuple[Group, ...]
    group: Ints
    ordinal: Ints  # within the group
    key: Keys
    group_key: Keys
    country: Ints
    systems: tuple[Ints, ...]  # autonomous systems that the account's addresses are in
    client: Ints
    requests: Ints
    created: Ints
    first: Ints  # life of the account within the log
    last: Ints
    identifier: Column
    organization: Column

    def rows(self, group: int) -> Ints:
        """Positions of a group's accounts."""
        return np.nonzero(self.group == group)[0]


def apportion(groups: Sequence[Group], requests: int, days: float) -> list[tuple[int, int]]:
    """Requests and accounts of each group, so that the requests sum to ``requests``."""
    shares = np.array([group.share for group in groups])
    exact = shares / shares.sum() * requests
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(exact - counts)[::-1][: requests - int(counts.sum())]] += 1
    plan = []
    for group, count in zip(groups, counts.tolist(), strict=True):
        active = max(min((group.span[1] - group.span[0]) * days, group.days), 1.0 / 24)
        each = max(group.rate * active, group.tempo.session)  # who appears at all sends a session
        wanted = max(round(count / each), min(group.floor, count // 4), 1)
        plan.append((count, min(wanted, group.accounts, max(count, 1))))
    return plan


def _volumes(group: Group, requests: int, accounts: int, seed: int) -> Ints:
    """Requests of each account: at least one, log-normal, summing to ``requests``."""
    if requests <= accounts:
        return (np.arange(accounts) < requests).astype(np.int64)
    weight = np.exp(group.tempo.volume_sd * normal(seed, group.name, "volume", np.arange(accounts)))
    exact = np.cumsum(weight / weight.sum()) * (requests - accounts)
    steps = np.round(exact).astype(np.int64)
    return np.asarray(np.diff(steps, prepend=0) + 1, dtype=np.int64)


def _mixed(mix: Mix, *parts: Part) -> list[tuple[str, Ints]]:
    """The rows that fall to each name of a mix."""
    drawn = choose([weight for _, weight in mix], *parts)
    return [(name, np.nonzero(drawn == i)[0]) for i, (name, _) in enumerate(mix)]


def _life(
    group: Group, ordinal: Ints, key: Keys, unit: Keys, start: int, days: float, release: int
) -> tuple[Ints, Ints, Ints]:
    """When each account was made, and the first and last moment of its activity in the log."""
    signup, tempo = group.signup, group.tempo
    begin = float(release) if tempo.after_release else start + group.span[0] * days * DAY
    end = min(start + group.span[1] * days * DAY, begin + group.days * DAY)
    pool = np.asarray(tempo.pools)
    edges = np.round(np.cumsum(pool[:, 0]) / pool[:, 0].sum() * len(ordinal)).astype(np.int64)
    which = np.searchsorted(edges, ordinal, side="right").clip(max=len(pool) - 1)
    opening, last = begin + pool[which, 1] * (end - begin), begin + pool[which, 2] * (end - begin)
    late = uniform("late", key) < 0.3 * tempo.stagger
    first = opening + np.where(late, uniform("stagger", key) * 0.9 * (last - opening), 0.0)
    if group.unit:  # a unit has its own age, and its members came one after another
        founded = start - exponential("age", unit) * signup.age_days * DAY
        made = founded + uniform("joined", key) * np.minimum(signup.cohort_hours * 3600e6, start - founded)
    elif signup.cohort_hours:
        length = signup.cohort_hours * 3600e6
        if signup.at_release:
            made = opening + uniform("rush", key) * min(length, 0.9 * (end - begin))
        else:
            made = opening - signup.lead_days * DAY - length + uniform("rush", key) * length
    else:
        age = exponential("age", key) * signup.age_days * DAY
        fresh = late & (uniform("fresh", key) < 0.7)  # most who appear during the log have just signed up
        made = first - np.where(fresh, uniform("first hours", key) ** 2 * 6 * 3600e6, age)
    first = np.minimum(np.maximum(first, made + 30e6), last - 60e6)
    return np.minimum(made, first - 30e6).astype(np.int64), first.astype(np.int64), last.astype(np.int64)


def cast(
    groups: Sequence[Group], internet: Internet, *, requests: int, seed: int, start: int, days: float, release: int
) -> Cast:
    """The accounts of ``groups``, mixed so that neither identifiers nor order tell the groups apart."""
    plan = apportion(groups, requests, days)
    group = np.repeat(np.arange(len(groups)), [accounts for _, accounts in plan])
    ordinal = np.concatenate([np.arange(accounts) for _, accounts in plan])
    salts = np.array([word(g.name) for g in groups], dtype=np.uint64)
    key = keys(seed, "account", salts[group], ordinal)
    unit = np.array([g.unit for g in groups])[group]
    opens = (unit > 0) & (uniform(key, "unit") * np.maximum(unit, 1) < 1)
    group_key = keys(seed, "group", salts[group], np.cumsum(opens) * (unit > 0))
    volume = np.concatenate([_volumes(g, *plan[i], seed) for i, g in enumerate(groups)])
    country, client = internet.countries(key), np.zeros(len(key), dtype=np.int64)
    systems = tuple(np.zeros(len(key), dtype=np.int64) for _ in range(3))
    created, first, last = (np.zeros_like(country) for _ in range(3))
    for i, spec in enumerate(groups):
        rows = np.nonzero(group == i)[0]
        if spec.network.local or spec.tempo.one_zone:
            country[rows] = internet.countries(group_key[rows])
        for place, system in enumerate(systems):
            gate = place == 0 and (spec.network.shared or spec.network.local)  # else the account's own networks
            who = group_key[rows] if gate else key[rows]
            kinds = _HOMES if place and spec.network.shared else spec.network.kinds
            for kind, chosen in _mixed(kinds, who, "network", place):
                system[rows[chosen]] = internet.systems(kind, country[rows[chosen]], keys(who[chosen], place))
        machine = keys(group_key[rows], ordinal[rows] % spec.clients.fleet) if spec.clients.fleet else key[rows]
        for kind, chosen in _mixed(spec.clients.kinds, machine, "client kind"):
            client[rows[chosen]] = internet.clients(kind, machine[chosen])
        created[rows], first[rows], last[rows] = _life(
            spec, ordinal[rows], key[rows], group_key[rows], start, days, release
        )
    own = {"none": None, "own": key, "one": group_key}
    organization = np.full(len(key), None, dtype=object)
    for i, spec in enumerate(groups):
        rows, holder = np.nonzero(group == i)[0], own[spec.signup.organization]
        organization[rows] = None if holder is None else objects(hexes("org_", keys(holder[rows], "org")))
    return Cast(
        tuple(groups), group, ordinal, key, group_key, country, systems, client, volume, created, first, last,
        hexes("acct_", keys(key, "identifier")), column(organization, pa.string()),
    )  # fmt: skip


def table(people: Cast, internet: Internet, *, seed: int) -> pa.Table:
    """The accounts table (``schema.requests.ACCOUNTS``), in order of identifier."""
    parts = {name: np.full(len(people.key), None, dtype=object) for name in ACCOUNTS.names}
    for i, spec in enumerate(people.groups):
        rows = people.rows(i)
        if len(rows):
            for name, values in _registration(spec, people, rows, internet, seed).items():
                parts[name][rows] = values
    columns = {name: column(values, ACCOUNTS.field(name).type) for name, values in parts.items()}
    columns |= {"account_id": people.identifier, "organization_id": people.organization}
    columns["created_at"] = times(people.created // 1_000_000 * 1_000_000)
    return pa.table([columns[name] for name in ACCOUNTS.names], schema=ACCOUNTS).sort_by("account_id")


def _registration(spec: Group, people: Cast, rows: Ints, internet: Internet, seed: int) -> dict[str, Objects]:
    """What the accounts of one group gave when they were made, and how they pay."""
    signup, key, shared, country = spec.signup, people.key[rows], people.group_key[rows], people.country[rows]
    given = {name: np.full(len(rows), None, dtype=object) for name in ("tier", "card_bin", "email_domain")}
    for name, some in _mixed(signup.tiers, key, "tier"):
        given["tier"][some] = name
    for kind, some in _mixed(signup.mail, key, "mail"):
        given["email_domain"][some] = objects(infrastructure.mail_domains(seed, kind, key[some], shared[some]))
    share = people.ordinal[rows] // signup.payers * (spec.unit == 0)
    payer = keys(shared, share, "payer") if signup.payers > 1 else key
    paying = uniform("paying", payer) < signup.paying
    for kind, some in _mixed(signup.cards, payer, "card"):
        bins = infrastructure.card_bins(seed, kind, country[some], payer[some], shared[some])
        given["card_bin"][some] = objects(bins)
    given["payment_fingerprint"] = objects(hexes("pay_", keys(payer, "instrument"))).copy()
    for name in ("card_bin", "payment_fingerprint"):
        given[name][~paying] = None
    given["verified"] = (uniform("verified", key) < signup.verified).astype(object)
    given["phone_prefix"] = objects(infrastructure.phone_prefixes(seed, country, key, signup.phones, shared))
    home = uniform("signup", key) < signup.from_network
    desk = keys(shared, "desk", people.ordinal[rows] % 4)  # where the group registers accounts in rows
    host = np.where(home, host_keys(people, rows, np.zeros_like(rows)), desk)
    system = np.where(home, people.systems[0][rows], people.systems[0][rows[0]])
    given["signup_ip"] = objects(internet.addresses(system, host, keys(key, "signup lease")))
    if signup.owner:
        given["owner"] = objects(hexes("owner_", keys(shared if signup.organization == "one" else key, "owner")))
        given["owner_country"] = np.array([row[0] for row in COUNTRIES], dtype=object)[country]
    return given


def host_keys(people: Cast, account: Ints, slot: Ints) -> Keys:
    """The key of the host that an account uses in ``slot``: its own, or one of the group's shared ones."""
    shared = np.array([spec.network.shared for spec in people.groups])[people.group[account]]
    pool = keys(people.group_key[account], "shared host", (people.ordinal[account] + slot) % np.maximum(shared, 1))
    return np.where(shared > 0, pool, keys(people.key[account], "host", slot))
