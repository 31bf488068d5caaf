from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.server.gate.http1 import UpstreamError
from stillwatch.server.gate.sse import Event, Events, encode

LINE = st.sampled_from([b"\n", b"\r\n", b"\r"])


def events(pieces: list[bytes]) -> list[Event]:
    reader = Events()
    return [event for piece in pieces for event in reader.feed(piece)]


def test_the_standards_own_examples() -> None:
    """WHATWG HTML, section 9.2.6."""
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    assert [event.data for event in events([stream])] == [None, b"first event", b"second event", b" third event"]
    assert [e.data for e in events([b"data: YHOO\ndata: +2\ndata: 10\n\n"])] == [b"YHOO\n+2\n10"]
    assert [e.data for e in events([b"data\n\ndata\ndata\n\ndata:"])] == [b"", b"\n"]
    assert [e.data for e in events([b"\xef\xbb\xbfdata: x\n\n"])] == [b"x"]


texts = st.binary(max_size=12).filter(lambda data: not set(data) & {10, 13})


@given(st.lists(st.tuples(texts, texts, LINE), min_size=1, max_size=6), st.data())
def test_wherever_the_stream_is_cut_the_events_are_the_same(made: list, data: st.DataObject) -> None:
    end = made[0][2]  # a stream that mixes line ends within an event is cut at the first empty line either way
    stream = b"".join(b"event: e" + end + b"data: " + a + end + b"data: " + b + end + end for a, b, _ in made)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = [(e.name, e.data) for e in events(pieces) if e.data is not None]
    assert found == [("e", a + b"\n" + b) for a, b, _ in made]


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_no_byte_is_lost_or_made_up(pieces: list[bytes]) -> None:
    reader = Events()
    raw = b"".join(event.raw for piece in pieces for event in reader.feed(piece))
    assert raw + reader.rest() == b"".join(pieces)


@given(st.sampled_from(["", "e"]), texts)
def test_what_is_encoded_is_read_again(name: str, data: bytes) -> None:
    (event,) = events([encode(name, data)])
    assert (event.name, event.data) == (name, data)


LINES = [b"data: x", b"data:y", b"event: e", b"event: data: e", b": data: c", b"data", b"data: data: z", b"id: 1", b"",
         b"", b"", b"\xef\xbb\xbfdata: x", b"data: \r", b"\r"]  # fmt: skip


@given(st.lists(st.sampled_from(LINES)), st.lists(st.integers(0, 60), max_size=4))
def test_the_quick_way_reads_what_the_slow_one_does(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"\n".join([*lines, b"", b""])
    pieces = [stream[a:b] for a, b in pairwise([0, *sorted(cuts), len(stream)])]
    quick, slow = Events(), Events()
    for piece in pieces:
        assert quick.data(piece) == [event.data for event in slow.feed(piece)]
        assert quick.rest() == slow.rest()


def test_an_event_without_end_is_not_waited_for() -> None:
    for read in ("feed", "data"):
        events = Events()
        for _ in range(33):
            getattr(events, read)(b"x" * (1 << 20))
        with pytest.raises(UpstreamError, match="too large"):
            getattr(events, read)(b"x")
