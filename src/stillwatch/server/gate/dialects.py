"""Which API a path belongs to, and what is no path at all.

Servers differ in how they read ``//``, ``..``, ``%2f``, ``;`` or a backslash in a path; whoever lets such a path
through has to guess what the next one makes of it. So it is refused. Case and a trailing slash are folded, because some
servers fold them.
"""

import re
from enum import StrEnum
from typing import Final

from stillwatch.server.gate.refusal import Refused

_PLAIN: Final = re.compile(rb"/(?:[A-Za-z0-9_~.:@!$&'()*+,=-]+(?:/[A-Za-z0-9_~.:@!$&'()*+,=-]+)*/?)?")
_DOTS: Final = re.compile(rb"/\.{1,2}(?:/|$)")


class Dialect(StrEnum):
    """The APIs whose bodies are read. ``OTHER`` is passed on unread, and only for accounts under no measure."""

    CHAT = "openai-chat"
    COMPLETIONS = "openai-completions"
    RESPONSES = "openai-responses"
    MESSAGES = "anthropic-messages"
    HARMLESS = "harmless"  # lists of models, health: nothing to learn from
    OTHER = "other"

    @property
    def read(self) -> bool:
        """Whether it asks a model and its bodies are understood."""
        return self in _READ


_READ: Final = frozenset({Dialect.CHAT, Dialect.COMPLETIONS, Dialect.RESPONSES, Dialect.MESSAGES})
#: Two of the names are other APIs' too (a thread's messages, a form's responses): there what is before counts, which is
#: nothing, a version, or a provider's name.
_HEAD: Final = r"(?:.*/)?(?:v[0-9]+[a-z0-9]*|openai|anthropic|api)"
_ENDS: Final = (
    (re.compile(r".*/chat/completions"), Dialect.CHAT),
    (re.compile(r".*/completions"), Dialect.COMPLETIONS),
    (re.compile(rf"(?:/{_HEAD})?/responses"), Dialect.RESPONSES),
    (re.compile(rf"(?:/{_HEAD})?/messages"), Dialect.MESSAGES),
)
_HARMLESS: Final = re.compile(r"(?:/v1)?/(?:models(?:/[^/]+)?|health|healthz|messages/count_tokens)")


def dialect_of(method: str, raw_path: bytes) -> Dialect:
    """What a request to ``raw_path`` (as sent, without its query) speaks.

    Raises:
        Refused: the path can be read in more than one way.
    """
    if not _PLAIN.fullmatch(raw_path) or _DOTS.search(raw_path):
        raise Refused(400, "ambiguous_path", "The path can be read in more than one way.")
    path = raw_path.decode("ascii").casefold().rstrip("/")
    if method == "POST":
        for form, dialect in _ENDS:
            if form.fullmatch(path):
                return dialect
    if _HARMLESS.fullmatch(path) and (method in ("GET", "HEAD") or path.endswith("count_tokens")):
        return Dialect.HARMLESS
    return Dialect.OTHER
