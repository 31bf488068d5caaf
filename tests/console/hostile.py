"""What an account could send to harm whoever reads of it."""

import itertools
from dataclasses import fields, is_dataclass, replace
from typing import Any

PAYLOAD = (
    "<script>document.documentElement.dataset.owned=1</script></script><script>document.documentElement.dataset.owned=2"
    '</script>"><img src=x onerror="document.documentElement.dataset.owned=3"><svg/onload=\'document.documentElement'
    ".dataset.owned=4'>' onmouseover='x</style></title></textarea><!--<script>{{ 7 * 7 }}{% raw %}${7}]]>&lt;&#x3c;"
    "[red]bold[/red] javascript:alert(1) "
    "\x1b[31m\x1b]0;owned\x07\x9b2J\r\n\x00\u202egnp.exe\u2066\u2028\ufeff\U000e0041"
)


def replaced(value: Any, text: str) -> Any:
    """``value`` with every string in it, at any depth, replaced by ``text`` and a number of its own."""
    count = itertools.count()

    def walk(part: Any) -> Any:
        if isinstance(part, str):
            return f"{text}{next(count):04d}"
        if isinstance(part, tuple):
            return tuple(walk(item) for item in part)
        if is_dataclass(part) and not isinstance(part, type):
            return replace(part, **{field.name: walk(getattr(part, field.name)) for field in fields(part)})
        return part

    return walk(value)
