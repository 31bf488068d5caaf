"""The forum beside its peers, and under faults: ``python -m benchmarks.forum``, for docs/benchmarks-forum.md."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.forum.chaos import Order, chaos
from benchmarks.forum.conformance import Found, conformance
from benchmarks.forum.exchange import Exchanged, exchange
from benchmarks.forum.hub import new_hub
from benchmarks.forum.objects import Author
from benchmarks.forum.postgres import postgres
from benchmarks.forum.tables import chaos_table, conformance_table, exchange_table, speeds_table, walks_table
from benchmarks.forum.throughput import Speed, envelopes, measure
from benchmarks.forum.walk import Walk, walks
from benchmarks.machine import machine
from benchmarks.options import add_common
from benchmarks.peers.medallion import medallion
from benchmarks.peers.opentaxii import opentaxii
from benchmarks.peers.server import Served
from stillwatch.forum.ledger.keys import SigningKey

#: With a worker process for each core, as our hub has an examiner.
MANY = "OpenTAXII on PostgreSQL, a worker a core"
SQLITE, POSTGRES = "Stillwatch, SQLite", "Stillwatch, PostgreSQL"
ENVELOPE = 500
#: Of the chaos.
MEMBERS = 3
PARTS = ("conformance", "paging", "exchange", "throughput", "chaos")
_STRANGER = "identity--51247703-bcd7-4ba1-8dc3-499a084b624c"


def main() -> int:
    """Measure, print the tables, write ``forum.json`` and ``forum.md``; the status is 1 if chaos did harm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forum", description=__doc__)
    add_common(parser)
    parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="*",
        default=(2_000, 10_000),
        help="objects, for the throughput; at the first of them every peer is read too",
    )
    parser.add_argument("--own-sizes", type=int, nargs="*", default=(), help="more sizes, for our hub alone")
    parser.add_argument("--clients", type=int, nargs="+", default=(1, 4), help="that submit at the same time")
    parser.add_argument("--rounds", type=int, default=20, help="faults of the chaos")
    parser.add_argument("--objects", type=int, default=30_000, help="of the chaos")
    parser.add_argument("--batch", type=int, default=500, help="objects of a member between two pulls of the chaos")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    document: dict[str, object] = {"machine": machine()}
    told, good = [machine()], True
    if "conformance" in options.part:
        checks = list(_conformance(options.work))
        document["conformance"] = [asdict(each) for each in checks]
        told.append(conformance_table(checks))
    if "paging" in options.part:
        found = list(_paging(options.work))
        document["paging"] = [asdict(each) for each in found]
        told.append(walks_table(found))
    if "exchange" in options.part:
        exchanged = list(_exchange(options.work))
        document["exchange"] = [asdict(each) for each in exchanged]
        told.append(exchange_table(exchanged))
    if "throughput" in options.part:
        speeds = list(_throughput(options.work, options.sizes, options.own_sizes, options.clients))
        document["throughput"] = [asdict(each) for each in speeds]
        told.append(speeds_table(speeds, (SQLITE, POSTGRES)))
    if "chaos" in options.part:
        order = Order(rounds=options.rounds, objects=options.objects, batch=options.batch)
        with TemporaryDirectory() as folder, postgres() as url:
            outcome = chaos(Path(folder), new_hub(Path(folder) / "hub", url, MEMBERS), order)
        print(outcome, file=sys.stderr)
        document["chaos"], good = asdict(outcome), outcome.good
        told.append(chaos_table(outcome))
    (options.out / "forum.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.out / "forum.md").write_text("\n\n".join(told) + "\n")
    print("\n\n".join(told))
    return 0 if good else 1


def _conformance(work: Path) -> Iterator[Found]:
    for name in (SQLITE, POSTGRES, "medallion", "OpenTAXII"):
        with _served(name, work) as (server, author):
            yield from conformance(server, author)


def _paging(work: Path) -> Iterator[Walk]:
    for name in (SQLITE, POSTGRES, "medallion", "OpenTAXII"):
        with _served(name, work) as (server, author):
            yield from walks(server, author.objects(130), (7, 20, 50))


def _exchange(work: Path) -> Iterator[Exchanged]:
    for name in (SQLITE, POSTGRES, "medallion", "OpenTAXII", "OpenTAXII on PostgreSQL"):
        with _served(name, work) as (server, author), TemporaryDirectory() as folder:
            yield exchange(server, author, 1_000, Path(folder))


def _throughput(work: Path, sizes: list[int], own: list[int], clients: list[int]) -> Iterator[Speed]:
    """Every server at every size; what takes minutes is left out: medallion and OpenTAXII on SQLite read much."""
    for size in sorted({*sizes, *own}):
        peers = ("medallion", "OpenTAXII", "OpenTAXII on PostgreSQL", MANY) if size in sizes else ()
        for count in clients if size in sizes[:1] else clients[-1:]:
            for name in (SQLITE, POSTGRES, *peers):
                walked = name not in ("medallion", "OpenTAXII") or size == sizes[0]
                with _served(name, work) as (server, author):
                    sent = envelopes(author.objects(size + ENVELOPE), ENVELOPE)
                    speed = measure(server, sent, 1000, count, walked)
                print(f"{speed.server}, {size:,}: {speed.push:,.0f} in, {speed.pull or 0:,.0f} out", file=sys.stderr)
                yield speed


@contextmanager
def _served(name: str, work: Path) -> Iterator[tuple[Served, Author]]:
    """A server that is new, and somebody whose objects it takes."""
    with TemporaryDirectory() as made:
        folder, author = Path(made), Author(_STRANGER, SigningKey())
        if name == POSTGRES:
            with postgres() as url, _ours(name, folder, url) as found:
                yield found
        elif name == SQLITE:
            with _ours(name, folder, f"sqlite:///{folder / 'hub.db'}") as found:
                yield found
        elif name.startswith("OpenTAXII on PostgreSQL"):
            workers = os.cpu_count() or 1 if name == MANY else 1
            with postgres() as url, _stopped(opentaxii(work, folder, url, workers)) as server:
                yield server, author
        else:
            with _stopped(opentaxii(work, folder) if name == "OpenTAXII" else medallion(work, folder)) as server:
                yield server, author


@contextmanager
def _ours(name: str, folder: Path, database: str) -> Iterator[tuple[Served, Author]]:
    hub = new_hub(folder / "hub", database, 1)
    member = hub.members[0]
    with _stopped(hub.serve(name)) as server:
        yield server, Author(member.identity, member.key)


@contextmanager
def _stopped(server: Served) -> Iterator[Served]:
    try:
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
