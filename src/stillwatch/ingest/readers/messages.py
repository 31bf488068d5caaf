"""What chat formats have in common: parts of messages, the last user turn, tools' names, hashes of reasoning."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

#: Why an answer stopped, where that means that the model or a policy declined: the words of Anthropic (``refusal``),
#: OpenAI and Azure (``content_filter``), Google (``SAFETY`` and the two after it) and Bedrock.
DECLINED = frozenset({"refusal", "content_filter", "safety", "prohibited_content", "blocklist", "guardrail_intervened"})

_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_SYSTEM = frozenset({"system", "developer"})


class Talk(NamedTuple):
    """A conversation as it was sent."""

    system: str | None
    prompt: str | None  # the last user turn that has text
    turns: int | None  # messages in the request
    replayed: list[str]  # hashes of reasoning blocks sent back


def parsed(value: Any) -> Any:
    """``value``, parsed if it is the JSON text of an object or a list (logs often nest JSON as text)."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.MsgspecError, RecursionError):
            return value
    return value


def text_of(content: Any) -> str | None:
    """The text of a message's content: a text, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return None
    texts = [content for content in content if isinstance(content, str)] or [
        text
        for part in content
        if isinstance(part, dict) and str(part.get("type", "text")) in _TEXT_PARTS
        for text in (part.get("text"), part.get("content"))
        if isinstance(text, str)
    ]
    return "\n".join(texts) if texts else None


def digest(block: str) -> str:
    """A reasoning block's hash: the first 128 bits of SHA-256 (FIPS 180-4), in hexadecimal."""
    return hashlib.sha256(block.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def reasoning(message: Any) -> list[str]:
    """Hashes of the reasoning blocks in a message, whichever provider's form they have.

    An encrypted block or a signature is hashed where there is one, because it comes back unchanged; else the text.
    """
    if not isinstance(message, dict):
        return []
    blocks: list[Any] = []
    for name in ("content", "parts", "thinking_blocks", "reasoning_details"):
        blocks += value if isinstance(value := message.get(name), list) else []
    if message.get("type") == "reasoning":
        blocks.append(message)
    found = [_block(block) for block in blocks if isinstance(block, dict)]
    if not any(found):
        found = [message.get("reasoning_content") or message.get("reasoning")]
    return list(dict.fromkeys(digest(block) for block in found if isinstance(block, str) and block))


def _block(block: dict[str, Any]) -> str | None:
    kind = block.get("type")
    if kind == "redacted_thinking":
        return block.get("data")
    if kind == "thinking":
        return block.get("signature") or block.get("thinking")
    if isinstance(kind, str) and kind.startswith("reasoning"):
        value = block.get("encrypted_content") or block.get("data") or block.get("signature")
        return value or text_of(block.get("summary") or block.get("content") or block.get("text"))
    return None


def talk(messages: Any, instructions: Any = None) -> Talk:
    """Read a list of messages with roles (or one text), and instructions that stand beside it."""
    messages = parsed(messages)
    if isinstance(messages, str):
        return Talk(text_of(instructions), messages, 1, [])
    if isinstance(messages, dict):
        messages = [messages]
    if not isinstance(messages, list):
        return Talk(text_of(instructions), None, None, [])
    messages = [message for message in messages if isinstance(message, dict)]
    system = [text_of(instructions)]
    prompt = None
    replayed: list[str] = []
    for message in messages:
        text = text_of(message.get("content", message.get("parts")))
        role = message.get("role")
        if isinstance(role, list | dict):
            continue  # nobody's
        if role in _SYSTEM:
            system.append(text)
        elif role == "user" and text is not None:
            prompt = text
        elif role in ("assistant", "model", None):
            replayed += reasoning(message)
    joined = "\n".join(text for text in system if text)
    return Talk(joined or None, prompt, len(messages), list(dict.fromkeys(replayed)))


def tool_names(tools: Any) -> list[str] | None:
    """Names of the tools offered; a built-in tool without a name goes by its type."""
    tools = parsed(tools)
    if isinstance(tools, dict):
        return sorted(map(str, tools)) or None
    if not isinstance(tools, list):
        return None
    names = [tool if isinstance(tool, str) else _name(tool) for tool in tools]
    return [name for name in names if isinstance(name, str)] or None


def _name(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return None
    inner = tool.get("function") or tool.get("custom") or tool.get("toolSpec")
    return tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None) or tool.get("type")


def declined(*reasons: Any) -> bool | None:
    """Whether a stop reason says that the request was declined; None where there is no reason at all."""
    known = [reason.lower() for reason in reasons if isinstance(reason, str)]
    return any(reason in DECLINED for reason in known) if known else None


def at(value: Any, *path: str | int) -> Any:
    """The value at ``path`` inside nested objects and lists, or None."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def first(*values: Any) -> Any:
    """The first value that is neither None nor an empty text."""
    return next((value for value in values if value is not None and value != ""), None)


def flag(value: Any) -> bool | None:
    """A switch that may be given as a number: log-probabilities as how many, say."""
    return None if value is None else bool(value)


def union(lists: Iterable[Sequence[str]]) -> list[str] | None:
    """All that is in any of ``lists``, once, in order; None if there is nothing."""
    return list(dict.fromkeys(item for items in lists for item in items)) or None
