"""Which paths are whose."""

import pytest

from stillwatch.server.gate.dialects import Dialect, dialect_of
from stillwatch.server.gate.refusal import Refused

READ = {
    Dialect.CHAT: ["/v1/chat/completions", "/chat/completions", "/V1/Chat/Completions/", "/api/v1/chat/completions",
                   "/openai/deployments/gpt/chat/completions", "/api/paas/v4/chat/completions"],
    Dialect.COMPLETIONS: ["/v1/completions", "/v1/engines/davinci/completions", "/completions"],
    Dialect.RESPONSES: ["/v1/responses", "/responses", "/openai/responses", "/openai/v1/responses"],
    Dialect.MESSAGES: ["/v1/messages", "/messages", "/V1/MESSAGES/", "/anthropic/v1/messages", "/api/v1/messages",
                       "/api/anthropic/v1/messages", "/v1beta/messages"],
}  # fmt: skip
OTHERS = ["/v1/threads/thread_1/messages", "/v1/chats/c/messages", "/v1/forms/f/responses", "/v1/messages/batches",
          "/rooms/messages", "/v1/threads/messages", "/v1/conversations/v1x_/messages"]  # fmt: skip


@pytest.mark.parametrize(("dialect", "path"), [(d, path) for d, paths in READ.items() for path in paths])
def test_paths_of_models(dialect: Dialect, path: str) -> None:
    assert dialect_of("POST", path.encode()) == dialect
    assert dialect_of("GET", path.encode()) == Dialect.OTHER


@pytest.mark.parametrize("path", OTHERS)
def test_messages_and_responses_of_other_apis_are_not_a_models(path: str) -> None:
    assert dialect_of("POST", path.encode()) == Dialect.OTHER


@pytest.mark.parametrize(
    "path", ["//v1/messages", "/v1/./messages", "/v1/%6dessages", "/v1/messages;x", "/v1\\messages"]
)
def test_what_can_be_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        dialect_of("POST", path.encode())
