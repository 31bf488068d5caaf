"""Detection with and without the forum: ``python -m benchmarks.forum_detection``; its table is in docs/benchmarks.md.

One lab log is split among three members: innocent customers by chance (organisations whole), the campaign so that the
third member has only a few of its accounts and the other two halves of the rest. Each of the two detects, and mints
indicators; the third detects alone, and again with what the two minted. Truth is used to split and to score, only.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.command import stillwatch
from benchmarks.logs import Order, log
from benchmarks.options import add_common, corpora_folder

MEMBERS = ("first", "second", "third")


@dataclass(frozen=True, slots=True)
class Row:
    """One split: campaign accounts of the third member, those it found, and innocent ones it accused, both ways."""

    scenario: str
    seed: int
    theirs: int
    alone: int
    alone_wrong: int
    shared: int
    shared_wrong: int
    indicators: int


def main() -> int:
    """Split, detect, mint, detect again; write ``forum_detection.json`` and ``forum_detection.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forum_detection", description=__doc__)
    add_common(parser)
    parser.add_argument("--scenario", action="append", help="repeatable; demo by default")
    parser.add_argument("--requests", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--theirs", type=int, nargs="+", default=[4, 5, 6, 7, 8], help="the third member's accounts")
    options = parser.parse_args()
    corpora = corpora_folder(options.corpora)
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for scenario in options.scenario or ["demo"]:
        for seed in options.seeds:
            folder = log(Order(scenario, options.requests, seed), options.work, corpora)
            for theirs in options.theirs:
                work = options.work / "forum" / f"{scenario}-{seed}-{theirs}"
                rows.append(_one(scenario, seed, folder, theirs, work))
                print(rows[-1], flush=True)
                (options.out / "forum_detection.json").write_text(
                    json.dumps([asdict(row) for row in rows], indent=1) + "\n"
                )
                (options.out / "forum_detection.md").write_text(table(rows))
    print(table(rows))
    return 0


def split(folder: Path, theirs: int, out: Path) -> dict[str, frozenset[str]]:
    """Write each member's log to ``out/NAME``; gives each member's campaign accounts."""
    requests, accounts = pq.read_table(folder / "requests"), pq.read_table(folder / "accounts.parquet")
    guilty = _guilty(folder)
    active = set(requests["account_id"].to_pylist())
    campaign = sorted(guilty & active, key=_chance)
    owner = dict(zip(accounts["account_id"].to_pylist(), accounts["organization_id"].to_pylist(), strict=True))
    of = {account: _chance(str(owner.get(account) or account)) % 3 for account in active}
    of |= {account: 2 if place < theirs else place % 2 for place, account in enumerate(campaign)}
    for number, member in enumerate(MEMBERS):
        mine = pa.array([account for account in sorted(active) if of[account] == number])
        (out / member).mkdir(parents=True)
        for name, table_ in (("requests", requests), ("accounts", accounts)):
            kept = table_.filter(pc.is_in(table_["account_id"], mine))
            pq.write_table(kept, out / member / f"{name}.parquet")
    return {
        member: frozenset(account for account in campaign if of[account] == number)
        for number, member in enumerate(MEMBERS)
    }


def _one(scenario: str, seed: int, folder: Path, theirs: int, out: Path) -> Row:
    rmtree(out, ignore_errors=True)
    guilty = split(folder, theirs, out)
    indicators = {}
    for member in MEMBERS[:2]:
        _detect(out / member, out / member / "found")
        stillwatch("indicators", "mint", out / member / "found", "--drill", "--out", out / f"{member}.json")
        told = json.loads((out / f"{member}.json").read_text())
        indicators |= {each["id"]: each for each in told.get("objects", ())}
    known = out / "fetched.json"
    known.write_text(json.dumps({"objects": list(indicators.values())}))
    third, theirs_ = out / "third", guilty["third"]
    _detect(third, third / "alone")
    _detect(third, third / "shared", "--indicators", known)
    alone, shared = _accused(third / "alone"), _accused(third / "shared")
    count = sum(each["type"] == "indicator" for each in indicators.values())
    found = (len(alone & theirs_), len(alone - theirs_), len(shared & theirs_), len(shared - theirs_))
    rmtree(out)
    return Row(scenario, seed, len(theirs_), *found, count)


def _detect(folder: Path, out: Path, *more: str | Path) -> None:
    stillwatch(
        "detect", folder / "requests.parquet", "--accounts", folder / "accounts.parquet", "--out", out, *more,
        "--threads", "2",
    )  # fmt: skip


def _accused(out: Path) -> frozenset[str]:
    return frozenset(a for each in json.loads((out / "campaigns.json").read_text()) for a in each["accounts"])


def _guilty(folder: Path) -> set[str]:
    kinds: Mapping[str, str] = {
        each["group"]: each["kind"] for each in json.loads((folder / "truth" / "groups.json").read_text())
    }
    truth = pq.read_table(folder / "truth" / "accounts.parquet").to_pylist()
    return {row["account_id"] for row in truth if kinds[row["group"]] == "campaign"}


def _chance(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def table(rows: list[Row]) -> str:
    """A line for each scenario and number of accounts at the third member, over seeds."""
    lines = [
        "| scenario | accounts of the campaign at the third member | logs | found alone | found with the forum | "
        "innocent accused alone | with the forum |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for scenario, theirs in sorted({(row.scenario, row.theirs) for row in rows}):
        some = [row for row in rows if (row.scenario, row.theirs) == (scenario, theirs)]
        whole = theirs * len(some)
        alone, shared = sum(row.alone for row in some), sum(row.shared for row in some)
        wrong = (sum(row.alone_wrong for row in some), sum(row.shared_wrong for row in some))
        found = f"{alone} of {whole} | {shared} of {whole}"
        lines.append(f"| {scenario} | {theirs} | {len(some)} | {found} | {wrong[0]} | {wrong[1]} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
