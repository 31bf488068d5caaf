"""What a text says of its own maker, and prompts that ask. Evidence of its own kind: never part of a likeness."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

_ASKS: Final = re.compile(
    r"\b(who|what) (are|made|created|built|trained|developed) you\b|\byour (name|creator|maker|developer|training data|"
    r"system prompt)\b|\bwhich (ai|language|large language)? ?model (are|is)\b|"
    r"\bare you (chatgpt|gpt|claude|gemini|an ai)\b",
    re.IGNORECASE,
)
#: Names of assistants and makers that a model may give as its own.
_NAMES: Final = (
    "ChatGPT", "GPT-4", "OpenAI", "Claude", "Anthropic", "Gemini", "Bard", "Google", "Llama", "Meta AI", "Mistral",
    "Qwen", "Alibaba", "DeepSeek", "Kimi", "Moonshot", "GLM", "Zhipu", "MiniMax", "Grok", "Cohere",
)  # fmt: skip
_SAYS: Final = re.compile(
    r"\b(?:i am|i'm|i’m|my name is|as|i was (?:made|created|developed|trained|built) by|"
    r"(?:trained|developed|created|made) by)\s+(?:an? |the )?(?:\w+ ){0,4}?(" + "|".join(_NAMES) + r")\b",
    re.IGNORECASE,
)


def about_identity(prompt: str) -> bool:
    """Whether a prompt asks the model who it is."""
    return bool(_ASKS.search(prompt))


def leakage(texts: Iterable[str | None]) -> dict[str, int]:
    """Answers in which a name is given in the first person as one's own or one's maker's, by name, most first."""
    written = {name.lower(): name for name in _NAMES}
    found = Counter(name for text in texts if text for name in {written[hit.lower()] for hit in _SAYS.findall(text)})
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def examples(texts: Iterable[str | None], most: int = 3, wide: int = 60) -> dict[str, tuple[str, ...]]:
    """What answers say where ``leakage`` counts them, by name: the words and what stands around them, the first few."""
    written = {name.lower(): name for name in _NAMES}
    found: dict[str, dict[str, None]] = {}
    for text in texts:
        for hit in _SAYS.finditer(text or ""):
            said = found.setdefault(written[hit[1].lower()], {})
            if len(said) < most:
                said[" ".join(hit.string[max(0, hit.start() - wide) : hit.end() + wide].split())] = None
    return {name: tuple(said) for name, said in sorted(found.items())}
