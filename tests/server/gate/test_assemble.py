"""Whatever a server says, the tap neither breaks an answer off nor loses its row."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stillwatch.server.gate.assemble import Assembler, finished
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.rows import encode, row

NAMES = st.sampled_from(
    "type index delta choices message content text usage response output blocks content_block reasoning_details "
    "finish_reason thinking signature".split()
)
TYPES = st.sampled_from(
    "message_start content_block_start content_block_delta message_delta response.output_text.delta "
    "response.completed text".split()
)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9) | st.just("a") | TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
EVENT = st.dictionaries(NAMES, JSON, max_size=4) | st.builds(
    lambda kind, more: {**more, "type": kind}, TYPES, st.dictionaries(NAMES, JSON, max_size=4)
)
READ = [dialect for dialect in Dialect if dialect.read]


@settings(max_examples=300, deadline=None)
@example(Dialect.CHAT, [{"choices": 5}])
@example(Dialect.RESPONSES, [{"type": "response.completed", "response": {"blocks": "a", "choices": []}}])
@example(Dialect.MESSAGES, [{"type": "message_start", "message": {"usage": "a", "choices": 1}}, {"usage": {}}])
@given(st.sampled_from(READ), st.lists(EVENT, max_size=4))
def test_no_event_stops_the_tap(dialect: Dialect, events: list[dict[str, Any]]) -> None:
    assembler = Assembler(dialect)
    for event in events:
        assembler.add(event)
    assert encode(row({}, dialect, finished(assembler, dialect))).endswith(b"}\n")
