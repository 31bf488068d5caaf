"""The paging faults that users of TAXII servers report, one by one, none of which can occur here."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from stillwatch.forum.hub import reading, recall
from stillwatch.forum.hub.cursors import Cursors
from stillwatch.forum.hub.errors import Malformed
from stillwatch.forum.hub.reading import Question
from stillwatch.schema.forum import Filter, Row
from tests.forum.hub.made import World

ALL = Filter(all_versions=True)


def pages(world: World, limit: int, wanted: Filter = ALL) -> Iterator[list[Row]]:
    question = Question(wanted, limit)
    while True:
        page = reading.objects(world.hub, world.globex.who, "shared", question)
        yield page.rows
        if page.next is None:
            return
        question = replace(question, next=page.next)


def ids(rows: list[Row]) -> list[str]:
    return [row.id for row in rows]


def test_millions_on_one_timestamp_are_not_one_envelope_has_as_many_moments_as_objects(world: World) -> None:
    world.submit(world.acme, *world.acme.author.objects(130))
    rows = [row for page in pages(world, 50) for row in page]
    assert len({row.added for row in rows}) == 130
    assert all(a.added < b.added and a.position < b.position for a, b in pairwise(rows))


@pytest.mark.parametrize("limit", [1, 7, 20, 50, 130, 131])
def test_no_page_is_skipped_or_repeated_and_the_last_says_so(world: World, limit: int) -> None:
    objects = world.acme.author.objects(130)
    world.submit(world.acme, *objects)
    found = list(pages(world, limit))
    assert [row.id for page in found for row in page] == [each["id"] for each in objects]
    assert len(found) == -(-130 // limit)  # no empty page at the end, no loop


@pytest.mark.parametrize("limit", [3, 10])
def test_a_client_that_pages_by_added_after_alone_misses_nothing(world: World, limit: int) -> None:
    objects = world.acme.author.objects(31)
    world.submit(world.acme, *objects)
    after, got = None, []
    while rows := next(pages(world, limit, Filter(all_versions=True, added_after=after))):
        got += ids(rows)
        after = rows[-1].added
    assert got == [each["id"] for each in objects]


def test_deletes_between_pages_move_nothing(world: World) -> None:
    objects = world.acme.author.objects(20)
    world.submit(world.acme, *objects)
    walk = pages(world, 5)
    got = ids(next(walk))
    for each in (0, 4, 5, 12):  # seen, the one that the cursor stands on, the next, a later one
        recall.erase(world.hub, world.acme.who, "shared", objects[each]["id"], ALL)
    for page in walk:
        got += ids(page)
    assert got == [each["id"] for n, each in enumerate(objects) if n not in (5, 12)]


def test_what_is_added_between_pages_comes_at_the_end(world: World) -> None:
    objects = world.acme.author.objects(25)
    world.submit(world.acme, *objects[:10])
    walk = pages(world, 4)
    got = ids(next(walk))
    world.submit(world.acme, *objects[10:])
    for page in walk:
        got += ids(page)
    assert got == [each["id"] for each in objects]


def test_a_reader_among_writers_gets_each_object_once(world: World) -> None:
    halves = [world.acme.author.objects(60)[start::2] for start in (0, 1)]

    def write(objects: list[dict[str, object]]) -> None:
        for start in range(0, len(objects), 3):
            world.submit(world.acme, *objects[start : start + 3])

    writers = [threading.Thread(target=write, args=(half,)) for half in halves]
    for each in writers:
        each.start()
    got: list[Row] = []
    while True:
        alive = any(each.is_alive() for each in writers)
        wanted = Filter(all_versions=True, added_after=got[-1].added if got else None)
        rows = next(pages(world, 7, wanted))
        got += rows
        if not alive and not rows:
            break
    assert len(got) == len(set(ids(got))) == 60
    assert world.remarks() == []


def test_truncation_is_told_a_page_that_would_be_too_large_ends_early_and_goes_on(world: World) -> None:
    objects = world.acme.author.objects(12)
    world.submit(world.acme, *objects)
    size = len(json.dumps(objects[0]))
    small = replace(world, hub=replace(world.hub, limits=replace(world.hub.limits, page_bytes=3 * size)))
    found = list(pages(small, 100))
    assert [row.id for page in found for row in page] == [each["id"] for each in objects]
    assert len(found) > 3
    tiny = replace(world, hub=replace(world.hub, limits=replace(world.hub.limits, page_bytes=1)))
    assert [len(page) for page in pages(tiny, 100)] == [1] * 12  # one that is too large alone is given all the same


def test_a_limit_beyond_the_hubs_is_the_hubs(world: World) -> None:
    world.submit(world.acme, *world.acme.author.objects(9))
    small = replace(world, hub=replace(world.hub, limits=replace(world.hub.limits, page=4)))
    assert [len(page) for page in pages(small, 2**53)] == [4, 4, 1]


def test_a_cursor_of_another_question_member_or_hub_is_refused(world: World) -> None:
    world.submit(world.acme, *world.acme.author.objects(9))
    cursor = reading.objects(world.hub, world.globex.who, "shared", Question(ALL, 2)).next
    assert cursor
    wrong = [
        (world.hub, world.globex.who, Question(Filter(), 2, cursor)),
        (world.hub, world.globex.who, Question(replace(ALL, types=("indicator",)), 2, cursor)),
        (world.hub, world.acme.who, Question(ALL, 2, cursor)),
        (replace(world.hub, cursors=Cursors(b"x" * 32)), world.globex.who, Question(ALL, 2, cursor)),
    ]
    for hub, who, question in wrong:
        with pytest.raises(Malformed):
            reading.objects(hub, who, "shared", question)
    with pytest.raises(Malformed):
        reading.manifest(world.hub, world.globex.who, "shared", Question(ALL, 2, cursor))
    assert reading.objects(world.hub, world.globex.who, "shared", Question(ALL, 3, cursor)).rows[0].position == 3


@pytest.mark.parametrize("cursor", ["", "x", "=", "é", "A" * 32, "A" * 10_000])
def test_what_is_no_cursor_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(Malformed):
        reading.objects(world.hub, world.globex.who, "shared", Question(ALL, 2, cursor))


def test_every_fetched_page_is_in_the_log(world: World) -> None:
    world.submit(world.acme, *world.acme.author.objects(10))
    list(pages(world, 4))
    fetched = [each for each in world.log() if each.__struct_config__.tag == "fetched"]
    assert [(each.first, each.last, each.count) for each in fetched] == [(1, 4, 4), (5, 8, 4), (9, 10, 2)]
    assert {each.actor for each in fetched} == {world.globex.author.identity}
