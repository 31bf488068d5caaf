"""Template families: which anchors belong to one template, and which are just a common way to put things.

Prompts made from one template share several anchors (``text.anchors``), the same ones; prompts that merely use a common
phrase share that one and differ in the rest. So anchors that occur mostly in each other's company (each in at least
``TOGETHER`` of the other's prompts) are joined into cores by connected components; a strict condition both ways, under
which a common phrase cannot chain strangers together. A core whose prompts are mostly made of narrower cores is one
template in several wordings, and takes them in; else the narrower core stands for itself.

A template that is worded anew for every request leaves no such core, but the accounts that share it draw on one pool
of phrases. So anchors that are alone are joined if they occur mostly in the same accounts (``POOLED`` both ways), and
three or more make a pool.

An account that has a template sends it again; the users of a common phrase do not. A core is kept if, given one prompt
on it, another prompt of the same account is on it with probability ``REPEATED`` at least, and ``LIFT`` times its share
of all prompts (or ``MARGIN`` more than that share, if that is less); what fails that is reported as a phrase of the
language. Where accounts had too few chances to repeat themselves to tell, a core is kept.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stillwatch.text.jit import compiled

MIN_ACCOUNTS: Final = 2
MIN_PROMPTS: Final = 3
TOGETHER: Final = 0.5
NESTED: Final = 0.8  # of a narrower core's prompts that are on the wider one
COVERED: Final = 0.7  # of a wider core's prompts that narrower ones make up
PROBE: Final = 64  # prompts of each anchor that are looked at: containment within 0.06 of the truth
REPEATED: Final = 0.02
LIFT: Final = 5.0
MARGIN: Final = 0.1
CHANCES: Final = 60.0  # to repeat itself, below which a core is given the benefit
POOLED: Final = 0.5  # of an anchor's accounts that use the other one too
POOL_ACCOUNTS: Final = 8
POOL_ANCHORS: Final = 3
LONE_REPEATED: Final = 0.2  # for a single anchor, which is only five words

Ints = NDArray[np.int64]
_EMPTY: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Sample:
    """Prompts of accounts as parallel columns; row ``i`` has the anchors ``anchors[starts[i] : starts[i + 1]]``.

    Rows may be in any order, and repeated rows count once.
    """

    account: Ints
    prompt: Ints
    starts: Ints
    anchors: Ints


@dataclass(frozen=True, slots=True)
class Families:
    """Template families found in a sample, by id (the smallest anchor of each).

    Attributes:
        anchors: every anchor of a family, ascending.
        owner: for each of them the index of its family in ``ids``.
        ids: family ids, ascending.
        needed: anchors of a family that a prompt must have to be on it.
        size: prompts of the sample on each family; accounts of the sample that use it.
        common: anchors of the cores that are phrases of the language, with the accounts that use each.
    """

    anchors: Ints
    owner: Ints
    ids: Ints
    needed: Ints
    size: Ints
    accounts: Ints
    common: tuple[tuple[int, int], ...] = ()


NONE: Final = Families(_EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY)


@dataclass(frozen=True, slots=True)
class _Bipartite:
    """Groups and the items in them, both ways; items of a group and groups of an item ascend."""

    group: Ints  # of each tie, ordered by group, then item
    item: Ints
    group_starts: Ints
    by_item: Ints  # groups, ordered by item
    item_starts: Ints

    @classmethod
    def of(cls, group: Ints, item: Ints, groups: int, items: int) -> "_Bipartite":
        """Ties (group, item), repeats dropped."""
        both = _distinct(group * items + item)[0]
        group, item = both // items, both % items
        order = np.argsort(item, kind="stable")
        return cls(group, item, _starts(group, groups), group[order], _starts(item[order], items))

    @property
    def sizes(self) -> Ints:
        """Items of each group."""
        return np.diff(self.group_starts)


def _distinct(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values, ascending, and how often each occurs (``numpy.unique`` hashes first, which takes far longer)."""
    ordered = np.sort(values)
    edges = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else _EMPTY
    return ordered[edges], np.diff(np.append(edges, len(ordered)))


def _starts(sorted_values: Ints, count: int) -> Ints:
    return np.searchsorted(sorted_values, np.arange(count + 1)).astype(np.int64)


@compiled
def _company(
    group_starts: Ints, item: Ints, item_starts: Ints, by_item: Ints, share: float
) -> tuple[list[np.int64], list[np.int64], list[float]]:
    """Pairs (a, b) of groups such that ``share`` or more of the first PROBE items of a are in b too, and that share."""
    froms, tos, shares = [np.int64(0)], [np.int64(0)], [0.0]
    for group in range(len(group_starts) - 1):
        first = group_starts[group]
        probed = min(group_starts[group + 1] - first, PROBE)
        room = 0
        for at in range(first, first + probed):
            room += item_starts[item[at] + 1] - item_starts[item[at]]
        others = np.empty(room, np.int64)
        filled = 0
        for at in range(first, first + probed):
            for other in range(item_starts[item[at]], item_starts[item[at] + 1]):
                others[filled] = by_item[other]
                filled += 1
        others.sort()
        run = 0
        for at in range(filled):
            run += 1
            if at + 1 == filled or others[at + 1] != others[at]:
                if others[at] != group and run >= share * probed:
                    froms.append(np.int64(group))
                    tos.append(others[at])
                    shares.append(run / probed)
                run = 0
    return froms[1:], tos[1:], shares[1:]


def _pairs(ties: _Bipartite, share: float) -> tuple[Ints, Ints, NDArray[np.float64]]:
    found = _company(ties.group_starts, ties.item, ties.item_starts, ties.by_item, share)
    return np.array(found[0], np.int64), np.array(found[1], np.int64), np.array(found[2], np.float64)


def _joined(froms: Ints, tos: Ints, count: int) -> Ints:
    """Component of each of ``count`` nodes."""
    graph = coo_array((np.ones(len(froms), np.int8), (froms, tos)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def find_families(sample: Sample) -> Families:
    """Template families of ``sample``; the same for any order of its rows."""
    rows = np.repeat(np.arange(len(sample.account)), np.diff(sample.starts))
    names, anchor, rows = _shared(sample, rows)
    if not len(names):
        return NONE
    prompts, prompt = _prompts(sample)
    ties = _Bipartite.of(anchor, prompt[rows], len(names), prompts)
    core = _cores(ties, len(names))
    sizes = np.bincount(core)
    on = _on(ties, core, np.minimum(sizes, 2), prompts)
    family = _wordings(on, len(sizes))[core]
    family, needed = _pools(_senders(sample, prompt)[rows], anchor, family)
    on = _on(ties, family, needed, prompts)
    return _kept(sample, prompt, on, names, family, needed)


def _shared(sample: Sample, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Anchors that MIN_ACCOUNTS accounts and MIN_PROMPTS prompts have: their names, and (index of anchor, row) ties."""
    likely = _likely(sample.anchors)
    candidates, rows = sample.anchors[likely], rows[likely]
    names, counts = _distinct(candidates)
    names = names[counts >= MIN_PROMPTS]
    anchor, known = _places(names, candidates)
    anchor, rows = anchor[known], rows[known]
    enough = np.ones(len(names), bool)
    for values, least in ((sample.account, MIN_ACCOUNTS), (_prompts(sample)[1], MIN_PROMPTS)):
        span = int(values.max(initial=0)) + 1
        distinct = _distinct(anchor * span + values[rows])[0] // span
        enough &= np.bincount(distinct, minlength=len(names)) >= least
    index = np.cumsum(enough) - 1
    chosen = enough[anchor]
    return names[enough], index[anchor[chosen]], rows[chosen]


def _places(names: Ints, values: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Where each value stands in the ascending ``names``, and whether it does."""
    if not len(names):
        return np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(names, values), len(names) - 1)
    return place, names[place] == values


@compiled
def _likely(values: Ints) -> NDArray[np.bool_]:
    """Which values may occur MIN_PROMPTS times: a counting Bloom filter, so that few need be sorted."""
    slots = 1 << 16
    while slots < 2 * len(values) and slots < 1 << 26:
        slots *= 2
    counts = np.zeros(slots, np.uint8)
    for value in values:
        slot = value & (slots - 1)
        counts[slot] = min(counts[slot] + 1, MIN_PROMPTS)
    likely = np.empty(len(values), np.bool_)
    for index in range(len(values)):
        likely[index] = counts[values[index] & (slots - 1)] >= MIN_PROMPTS
    return likely


def _prompts(sample: Sample) -> tuple[int, Ints]:
    """Number of distinct prompts, and the index of each row's; they ascend with the prompt's hash."""
    values, index = np.unique(sample.prompt, return_inverse=True)
    return len(values), index


def _cores(ties: _Bipartite, anchors: int) -> Ints:
    """Core of each anchor: those that keep each other's company."""
    froms, tos, _ = _pairs(ties, TOGETHER)
    mutual = np.isin(froms * anchors + tos, tos * anchors + froms)
    return _joined(froms[mutual], tos[mutual], anchors)


def _on(ties: _Bipartite, core: Ints, needed: Ints, prompts: int) -> _Bipartite:
    """Which prompts are on which core: those that have as many of its anchors as are needed."""
    both, counts = _distinct(core[ties.group] * prompts + ties.item)
    both = both[counts >= needed[both // prompts]]
    return _Bipartite.of(both // prompts, both % prompts, len(needed), prompts)


def _wordings(on: _Bipartite, cores: int) -> Ints:
    """Family of each core: a wider core that narrower ones make up takes them in, and so do two of the same prompts."""
    froms, tos, _ = _pairs(on, NESTED)
    back = np.isin(tos * cores + froms, froms * cores + tos)
    narrower = froms * cores + tos
    covered = _covered(on.group_starts, on.item, on.item_starts, on.by_item, np.sort(narrower[~back]), cores)
    joined = back | (covered[tos] >= COVERED)
    return _joined(froms[joined], tos[joined], cores)


@compiled
def _covered(
    group_starts: Ints, item: Ints, item_starts: Ints, by_item: Ints, nested: Ints, groups: int
) -> NDArray[np.float64]:
    """Share of each group's first PROBE items that are in a group nested in it (``nested``: narrow * groups + wide)."""
    shares = np.zeros(groups)
    for group in range(groups):
        first = group_starts[group]
        probed = min(group_starts[group + 1] - first, PROBE)
        inside = 0
        for at in range(first, first + probed):
            for other in range(item_starts[item[at]], item_starts[item[at] + 1]):
                pair = by_item[other] * groups + group
                place = np.searchsorted(nested, pair)
                if place < len(nested) and nested[place] == pair:
                    inside += 1
                    break
        shares[group] = inside / max(probed, 1)
    return shares


def _senders(sample: Sample, prompt: Ints) -> Ints:
    """A number for each row's account that depends on its prompts alone, so that no order of rows is in it."""
    accounts, account = np.unique(sample.account, return_inverse=True)
    sent = _distinct(account * (prompt.max() + 1) + prompt)[0]
    names = np.zeros(len(accounts), np.int64)
    np.add.at(names, sent // (prompt.max() + 1), np.unique(sample.prompt)[sent % (prompt.max() + 1)])
    return np.asarray(np.unique(names, return_inverse=True)[1][account], np.int64)


def _pools(sender: Ints, anchor: Ints, family: Ints) -> tuple[Ints, Ints]:
    """Family of each anchor, those that are alone pooled by their accounts; and the anchors that each family needs."""
    families = int(family.max()) + 1
    own = np.bincount(family, minlength=families)
    single = own[family] == 1
    ties = _Bipartite.of(anchor[single[anchor]], sender[single[anchor]], len(family), int(sender.max()) + 1)
    froms, tos, _ = _pairs(ties, POOLED)
    wide = ties.sizes >= POOL_ACCOUNTS
    mutual = wide[froms] & wide[tos] & np.isin(froms * len(family) + tos, tos * len(family) + froms)
    pool = _joined(froms[mutual], tos[mutual], len(family))
    pooled = np.bincount(pool)[pool] >= POOL_ANCHORS
    names, joined = np.unique(np.where(pooled, families + pool, family), return_inverse=True)
    return joined, np.where(names < families, np.minimum(np.bincount(joined), 2), 1)


def _kept(sample: Sample, prompt: Ints, on: _Bipartite, names: Ints, family: Ints, needed: Ints) -> Families:
    """The families that accounts use as templates."""
    families = len(needed)
    accounts, account = np.unique(sample.account, return_inverse=True)
    sent = _distinct(account * (prompt.max() + 1) + prompt)[0]
    sender, sent = sent // (prompt.max() + 1), sent % (prompt.max() + 1)
    total = np.bincount(sender, minlength=len(accounts))
    lengths = np.diff(on.item_starts)[sent]
    place = np.repeat(on.item_starts[sent] - np.r_[0, np.cumsum(lengths)[:-1]], lengths) + np.arange(lengths.sum())
    uses, used = _distinct(on.by_item[place] * len(accounts) + np.repeat(sender, lengths))
    whose, user = uses // len(accounts), uses % len(accounts)

    def tally(values: Ints) -> NDArray[np.float64]:
        return np.bincount(whose, values.astype(np.float64), families).astype(np.float64)

    users, again = tally(np.ones(len(whose), np.int64)), tally((used > 1).astype(np.int64))
    chances, repeats = tally(used * (total[user] - 1)), tally(used * (used - 1))
    rate = repeats / np.maximum(chances, 1)
    base = tally(used) / len(sent)
    alone = np.bincount(family, minlength=families) < 2
    plain = (chances >= CHANCES) & (rate < np.maximum(REPEATED, np.minimum(LIFT * base, base + MARGIN)))
    shared = (users >= MIN_ACCOUNTS) & (on.sizes >= MIN_PROMPTS)
    few = (users < 3) & (again < 2)
    lone = alone & ((again < 2) | (rate < LONE_REPEATED) | _inside(on))
    keep = shared & ~plain & ~few & ~lone
    first = _smallest(names, family, families)
    order = np.argsort(first)
    order = order[keep[order]]
    rank = np.full(families, -1, np.int64)
    rank[order] = np.arange(len(order))
    mine = rank[family] >= 0
    said = np.flatnonzero(shared & plain & ~alone)
    said = said[np.lexsort((first[said], -users[said]))]
    return Families(
        names[mine], rank[family][mine], first[order], needed[order], on.sizes[order],
        users[order].astype(np.int64), tuple((int(first[f]), int(users[f])) for f in said),
    )  # fmt: skip


def _inside(on: _Bipartite) -> NDArray[np.bool_]:
    """Families most of whose prompts are on another one too."""
    froms, _, _ = _pairs(on, TOGETHER)
    return np.isin(np.arange(len(on.sizes)), froms)


def _smallest(names: Ints, family: Ints, families: int) -> Ints:
    first = np.full(families, np.iinfo(np.int64).max)
    np.minimum.at(first, family, names)
    return first
