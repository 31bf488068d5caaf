"""The part of the STIX pattern language that a request log can be searched with.

One observation, or several joined by OR: ``[comparison]`` with ``=``, ``IN`` and ``ISSUBSET`` over addresses and what
client software shows of itself, joined by AND, OR and brackets. What asks for more (other observables, NOT, qualifiers,
observations joined by AND, regular expressions) is refused by name, not half matched. Source: STIX 2.1, section 9.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal

from stillwatch.errors import InputError
from stillwatch.schema import stix

LONGEST: Final = 10_000
DEEPEST: Final = 16
Network = IPv4Network | IPv6Network

ADDRESS: Final = "address"
#: The object path of each thing that can be looked for, and the name it has here.
PATHS: Final[Mapping[str, str]] = {
    "ipv4-addr:value": ADDRESS,
    "ipv6-addr:value": ADDRESS,
    "network-traffic:src_ref.value": ADDRESS,
    "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'": "user_agent",
    f"network-traffic:extensions.'{stix.CLIENT.id}'.tls": "tls_fingerprint",
    f"network-traffic:extensions.'{stix.CLIENT.id}'.headers": "header_order",
}
_PATH_OF: Final = {name: path for path, name in PATHS.items() if name != ADDRESS}
#: The patterns of indicators that an extension matches.
MATCHED: Final = {e.pattern: e for e in stix.EXTENSIONS if e.pattern}

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<sign>[\[\]()=])|(?P<comma>,)|(?P<text>'(?:[^'\\]|\\['\\])*')"
    r"|(?P<path>[a-z][a-z0-9-]*:[a-zA-Z0-9_]+(?:\.(?:[a-zA-Z0-9_]+|'(?:[^'\\])*'))*)|(?P<word>[A-Z]+))"
)


class PatternError(InputError):
    """A pattern that is not of the language, or asks for what a request log cannot show."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``name`` (a value of PATHS) has one of ``values``; for an address, lies in one of these networks."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """All or any of ``parts``."""

    how: Literal["AND", "OR"]
    parts: tuple["Node", ...]


Node = Comparison | Junction


def range_pattern(network: Network) -> str:
    """The pattern of an address range."""
    return f"[ipv{network.version}-addr:value ISSUBSET '{network}']"


def client_pattern(shown: Mapping[str, str]) -> str:
    """The pattern of client software; ``shown`` has the names of PATHS."""
    parts = (f"{_PATH_OF[name]} = '{_escaped(shown[name])}'" for name in _PATH_OF if name in shown)
    return f"[{' AND '.join(parts)}]"


def parse(pattern: str) -> Node:
    """``pattern`` as a tree.

    Raises:
        PatternError: see there.
    """
    if len(pattern) > LONGEST:
        raise PatternError(f"a pattern longer than {LONGEST} characters")
    reader = _Reader(pattern)
    tree = reader.joined(reader.observation, ("OR",), 0)
    reader.end()
    return tree


def networks(node: Node) -> tuple[Network, ...] | None:
    """The networks that ``node`` looks for, if it looks for addresses alone and any of them does; else None."""
    if isinstance(node, Comparison):
        return tuple(ip_network(value) for value in node.values) if node.name == ADDRESS else None
    parts = [networks(part) for part in node.parts]
    if node.how == "AND" or any(part is None for part in parts):
        return None
    return tuple(network for part in parts if part is not None for network in part)


def names(node: Node) -> frozenset[str]:
    """What ``node`` looks at."""
    if isinstance(node, Comparison):
        return frozenset({node.name})
    return frozenset[str]().union(*(names(part) for part in node.parts))


def holds(node: Node, shown: Mapping[str, str | None]) -> bool:
    """Whether ``node``, which looks at no address, is true of a client that shows this."""
    if isinstance(node, Comparison):
        return shown.get(node.name) in node.values
    return (all if node.how == "AND" else any)(holds(part, shown) for part in node.parts)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


class _Reader:
    """Recursive descent over the tokens of a pattern."""

    def __init__(self, pattern: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while pattern[at:].strip():
            found = _TOKEN.match(pattern, at)
            if found is None:
                raise PatternError(f"the pattern cannot be read at character {at + 1}")
            self._tokens.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
            at = found.end()
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise PatternError(f"{self._tokens[self._at][1]!r} is not matched here")

    def joined(self, operand: Callable[[int], Node], hows: tuple[Literal["AND", "OR"], ...], depth: int) -> Node:
        """Operands joined by ``hows``, of which the last binds closest."""
        how, *closer = hows
        below: Callable[[], Node] = (
            (lambda: self.joined(operand, tuple(closer), depth)) if closer else (lambda: operand(depth))
        )
        parts = [below()]
        while self._taken("word", how):
            parts.append(below())
        return parts[0] if len(parts) == 1 else Junction(how, tuple(parts))

    def observation(self, depth: int) -> Node:
        self._take("sign", "[")
        tree = self.joined(self._comparison, ("OR", "AND"), depth)
        self._take("sign", "]")
        return tree

    def _comparison(self, depth: int) -> Node:
        if self._taken("sign", "("):
            if depth >= DEEPEST:
                raise PatternError("brackets are too deep")
            tree = self.joined(self._comparison, ("OR", "AND"), depth + 1)
            self._take("sign", ")")
            return tree
        path = self._take("path")
        if path not in PATHS:
            raise PatternError(f"{path} is nothing that a request log shows")
        name, how = PATHS[path], self._next()
        if how == "IN":
            self._take("sign", "(")
            values = [self._text()]
            while self._taken("comma", ","):
                values.append(self._text())
            self._take("sign", ")")
        elif how == "=" or (how == "ISSUBSET" and name == ADDRESS):
            values = [self._text()]
        else:
            raise PatternError(f"the operator {how} is not matched here")
        return Comparison(name, tuple(_network(value) if name == ADDRESS else value for value in values))

    def _text(self) -> str:
        return re.sub(r"\\(.)", r"\1", self._take("text")[1:-1])

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise PatternError("the pattern ends too early")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _taken(self, kind: str, text: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == (kind, text)
        self._at += found
        return found

    def _take(self, kind: str, text: str = "") -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == kind:
            value = self._next()
            if not text or value == text:
                return value
        raise PatternError(f"the pattern is not of the part of the language that is matched here: {text or kind}")


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise PatternError(f"{text!r} is no address or range") from None
