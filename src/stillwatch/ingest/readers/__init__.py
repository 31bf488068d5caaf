"""Every log format that is known, one file each. To add a reader: write its file, name it in ``READERS``."""

from collections.abc import Sequence

from stillwatch.errors import InputError, UsageError
from stillwatch.ingest.interface import Reader, Row
from stillwatch.ingest.readers.anthropic_messages import AnthropicMessages
from stillwatch.ingest.readers.canonical import Canonical
from stillwatch.ingest.readers.langfuse import Langfuse
from stillwatch.ingest.readers.litellm import LiteLLM
from stillwatch.ingest.readers.openai_chat import OpenAIChat
from stillwatch.ingest.readers.openai_responses import OpenAIResponses
from stillwatch.ingest.readers.otel import OpenTelemetry

#: In order of preference where two are equally sure.
READERS: tuple[Reader, ...] = (
    Canonical(),
    LiteLLM(),
    OpenTelemetry(),
    OpenAIChat(),
    OpenAIResponses(),
    AnthropicMessages(),
    Langfuse(),
)

UNKNOWN_DO = "Name its format with --format, or write a mapping file (docs/ingest.md)"
FIELDS = 12  # of the first row, that are told of a file which is not recognised
SURE = 0.5  # mean confidence over the first rows that a reader must reach


def named(name: str) -> Reader:
    """The reader of that name.

    Raises:
        UsageError: there is none.
    """
    for reader in READERS:
        if reader.name == name:
            return reader
    known = ", ".join(reader.name for reader in READERS)
    raise UsageError(
        f"no reader is called {name!r}", where="--format", do=f"Known are {known}, or write a mapping file"
    )


def recognise(rows: Sequence[Row]) -> Reader:
    """The reader that is surest of ``rows``.

    Raises:
        InputError: none is sure enough.
    """
    scores = [sum(reader.sniff(row) for row in rows) / max(len(rows), 1) for reader in READERS]
    best = max(range(len(READERS)), key=lambda i: (scores[i], -i))
    if scores[best] < SURE:
        fields = ", ".join(f"{name:.40}" for name in list(rows[0])[:FIELDS]) if rows else "none"
        raise InputError(f"no reader recognises its fields ({fields})", do=UNKNOWN_DO)
    return READERS[best]
