"""A member that pushes and pulls until it is told to stop: ``python -m benchmarks.forum.chaos_member``.

It may be killed at any moment and started again: its objects are drawn anew from its seed, and what it did with them is
in its state and nowhere else.
"""

import argparse
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from benchmarks.forum.objects import indicators
from stillwatch.forum.ledger.keys import load_key
from stillwatch.forum.member import door
from stillwatch.forum.member.errors import RefusedError, UnreachableError
from stillwatch.forum.member.join import connect
from stillwatch.forum.member.pull import pull
from stillwatch.forum.member.push import enqueue, push
from stillwatch.forum.member.state import State
from stillwatch.forum.member.taxii import Taxii


def main() -> int:
    """Work; the exit status is 0 when everything of its own was taken and everything there is was fetched."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forum.chaos_member", description=__doc__)
    parser.add_argument("state", type=Path, help="its folder, made by benchmarks.forum.chaos")
    parser.add_argument("--collection", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--objects", type=int, required=True, help="objects of its own")
    parser.add_argument("--batch", type=int, required=True, help="objects between one pull and the next")
    parser.add_argument("--stop", type=Path, required=True, help="once this file is there, it ends when it is done")
    options = parser.parse_args()
    state = State(options.state)
    taxii = connect(state.membership, waits=(0.1, 0.2, 0.4))
    key = load_key(Path(state.membership.key))
    begun = state.rows("SELECT COUNT(*) FROM outbox")[0][0]  # whole batches, whenever it was killed
    own = indicators(options.objects - begun, state.membership.identity, key, options.seed, begun)
    batches = iter(lambda: list(islice(own, options.batch)), [])
    for batch in batches:
        versions = [each for each in map(door.version_of, batch) if isinstance(each, door.Version)]
        enqueue(state, options.collection, versions)
        begun += len(batch)
        (options.state / "begun").write_text(str(begun))
        _exchange(state, taxii, options.collection)
    last = False
    while not last:  # its own are all sent; others may still send
        time.sleep(0.05)
        last = options.stop.exists()
        _exchange(state, taxii, options.collection)
    return 0


def _exchange(state: State, taxii: Taxii, collection: str) -> None:
    _patiently(lambda: push(state, taxii))
    _patiently(lambda: pull(state, taxii, collection))


def _patiently(attempt: Callable[[], object]) -> None:
    """Again until it succeeds: the line is cut and the hub is killed now and then."""
    while True:
        try:
            attempt()
        except (UnreachableError, RefusedError) as error:
            if isinstance(error, RefusedError) and error.status < 500:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
