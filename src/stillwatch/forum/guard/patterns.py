"""STIX patterns, strictly: a small grammar, the object paths of the policy, literals that their own rules permit.

    pattern     = observation *( " OR " observation )
    observation = "[" either "]"
    either      = both *( " OR " both )
    both        = comparison *( " AND " comparison )
    comparison  = path ( " = " | " ISSUBSET " ) literal

No brackets, qualifiers, negation, comments or regular expressions, one space where one is needed, and operands in
ascending order of path (as the policy lists them) and literal, so that a set of comparisons has a single spelling.
Source: STIX 2.1, section 9.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from stillwatch.forum.guard.interface import Clause, Outcome
from stillwatch.forum.guard.rules import RELEASE, WITHHOLD, Case, Rule

_LONGEST: Final = 10_000
_COMPARISON: Final = re.compile(
    r"(?P<path>[a-z0-9-]+:[a-z0-9_]+(?:\.(?:[a-z0-9_]+|'[A-Za-z0-9-]+'))*) "
    r"(?P<how>=|ISSUBSET) '(?P<text>(?:[^'\\]|\\['\\])*)'"
)

#: An operand: path, operator, literal.
Comparison = tuple[str, str, str]
#: Observations joined by OR; in each, alternatives joined by OR; in each, comparisons joined by AND.
Parsed = tuple[tuple[tuple[Comparison, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of at most ``most`` comparisons over ``paths``, each literal judged by its path's rule.

    Attributes:
        paths: object path -> rule for the literal, in canonical order.
        subset: paths that may be compared by ISSUBSET too; every other by equality alone.
    """

    clause: Clause
    paths: Mapping[str, Rule]
    subset: frozenset[str]
    most: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        parsed = parse(value) if type(value) is str else None
        if parsed is None:
            return case.say(at, WITHHOLD, self.clause, "is not of the part of the pattern language that may leave")
        comparisons = [each for observation in parsed for both in observation for each in both]
        if len(comparisons) > self.most:
            return case.say(at, WITHHOLD, self.clause, f"has more than {self.most} comparisons")
        worst, said = RELEASE, len(case.lines)
        for path, how, text in comparisons:
            rule = self.paths.get(path)
            if rule is None or (how == "ISSUBSET" and path not in self.subset):
                return case.say(at, WITHHOLD, self.clause, "looks at something that may not leave, or in another way")
            worst = min(worst, rule.check(text, at, case))
        if not self._ordered(parsed):
            return case.say(at, WITHHOLD, self.clause, "is not in ascending order without repeats")
        if worst == RELEASE:  # one line says it
            del case.lines[said:]
            case.say(at, RELEASE, self.clause)
        return worst

    def _ordered(self, parsed: Parsed) -> bool:
        place = {path: number for number, path in enumerate(self.paths)}
        keyed = [[[(place[path], text) for path, _, text in both] for both in either] for either in parsed]
        return (
            all(_ascending([path for path, _ in both]) for either in keyed for both in either)
            and all(map(_ascending, keyed))
            and _ascending(keyed)
        )


def _ascending(items: list[Any]) -> bool:
    return all(one < other for one, other in pairwise(items))


@lru_cache(maxsize=1024)
def parse(pattern: str) -> Parsed | None:
    """``pattern`` by the grammar above; None if it is not of it."""
    if len(pattern) > _LONGEST:
        return None
    at, observations = 0, []
    while True:
        if not pattern.startswith("[", at):
            return None
        at += 1
        either: list[tuple[Comparison, ...]] = []
        both: list[Comparison] = []
        while True:
            found = _COMPARISON.match(pattern, at)
            if found is None:
                return None
            both.append((found["path"], found["how"], re.sub(r"\\(.)", r"\1", found["text"])))
            at = found.end()
            if pattern.startswith(" AND ", at):
                at += 5
                continue
            either.append(tuple(both))
            both = []
            if not pattern.startswith(" OR ", at):
                break
            at += 4
        if not pattern.startswith("]", at):
            return None
        at += 1
        observations.append(tuple(either))
        if at == len(pattern):
            return tuple(observations)
        if not pattern.startswith(" OR ", at):
            return None
        at += 4
