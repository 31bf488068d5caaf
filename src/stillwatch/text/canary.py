"""A canary in answers that changes nothing: with which mark, ``-`` or ``*``, the bullets of a list begin.

Markdown renders both alike (CommonMark 0.31, section 5.3). Which one a list gets is drawn by a keyed hash of the
account and of the words that introduce the list; all bullets of the list, nested ones too, are exchanged together or
not at all, so what was one list stays one and what were two stay two. Text found elsewhere is tested by counting lists
whose mark is the account's: over keys that is a fair coin for each different introduction, whoever wrote the text, so
the p-value is exact.

Only a list behind a line of prose that ends in a colon is touched. In code, formulas and raw HTML nothing is, nor
behind an introduction that speaks of such, and nothing at all in an answer that begins like data: YAML and diffs begin
lines with a dash as well.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from stillwatch.text import keyfile
from stillwatch.text.watermark import Score, judge

_MARKS: Final = "-*"
_OTHER: Final = str.maketrans("-*", "*-")
_ITEM: Final = re.compile(r"([ \t]*)([-*])(?:([ \t]+)|$)")
#: The beginning of a line that may yet become an item, or a break between paragraphs.
_UNSURE: Final = re.compile(r"[-* \t]*")
#: A break between paragraphs.
_BREAK: Final = re.compile(r"[ \t]*([-*])[ \t]*(?:\1[ \t]*){2,}")
#: Lines that go on with no paragraph: headings, quotations, fences and breaks.
_ENDS: Final = re.compile(rf"#|>|```|~~~|\$\$|{_BREAK.pattern}$")
#: What may stand before a fence in its line.
_NESTED: Final = re.compile(r"(?:[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$))*[ \t]*")
_NUMBERED: Final = re.compile(r"[ \t]*\d{1,9}[.)](?:[ \t]+|$)")
#: An item whose mark is never exchanged.
_ANOTHER: Final = re.compile(r"([ \t]*)(\+|\d{1,9}[.)])(?:[ \t]+(?=(\S))|[ \t]*$)")
_FENCE: Final = re.compile(r"(`{3,}|~{3,}|\$\$)")
_RAW: Final = re.compile(r"<[a-z/!?]", re.IGNORECASE)
_DATA: Final = ("{", "[", "<", "---", "+++", "@@", "diff ")
_PROSE: Final = re.compile(r"(?:#{1,6} |\d{1,3}[.)] |[*_])*[^\W\d_][^=;{}<>|`\\]*:[*_]{0,3}")
_WORD: Final = re.compile(r"[^\W_]+")
_CODE: Final = frozenset(
    "code config configuration csv diff file html json log manifest markdown output patch script snippet toml yaml "
    "yml".split()
)
#: Words that a line needs to introduce a list.
_WORDS: Final = 4
#: Characters of a line that are looked at, and of its beginning until it is known what it is.
_LONGEST: Final = 2000
_HEAD: Final = 80

Begin = Callable[[str, str], bool]


class Canary(Struct, frozen=True, forbid_unknown_fields=True):
    """The key that marks are drawn by."""

    key: Annotated[bytes, Meta(min_length=16, max_length=64)]

    def mark(self, account: str, context: str) -> str:
        """The mark of a list that ``context`` introduces, in answers to ``account``."""
        data = f"{account}\0{context}".encode("utf-8", "surrogatepass")
        return _MARKS[blake2b(data, digest_size=1, key=self.key, person=b"canary").digest()[0] & 1]


class Lists:
    """Follows a text's lists as it comes, in parts cut anywhere.

    Args:
        begin: called for each list that may be touched, with its context and its mark; whether to exchange the marks.
    """

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._line = ""  # the line so far
        self._head = True  # not yet known what line it is
        self._item = False  # an item of a list
        self._bare = False  # or the line before it, and with nothing in it yet
        self._fence = ""
        self._off = self._seen = False
        self._open = False  # a paragraph, which a line without indentation may go on with
        self._list = False  # in any list
        self._inside = self._swap = False  # in one that is followed, and exchanged
        self._base = 0  # column at which the text of a numbered introduction begins
        self._columns = [0]  # at which the text of the items begins that the line may be in
        self._before, self._context = "", ""

    def feed(self, text: str) -> str:
        """What is sent of ``text``; a few characters at a line's beginning wait for what follows them."""
        out = []
        while text:
            cut = text.find("\n") + 1 or len(text)
            out.append(self._part(text[:cut]))
            text = text[cut:]
        return "".join(out)

    def end(self) -> str:
        """What still waits; the text ends here."""
        rest = self._decide(self._line) if self._head else ""
        self._line, self._head = "", True
        return rest

    def _part(self, part: str) -> str:
        """A part of one line."""
        line = self._line + part
        self._line = line[:_LONGEST]
        ends = part.endswith("\n")
        if self._head:
            if not ends and len(line) < _HEAD and _UNSURE.fullmatch(line):
                return ""
            self._head = False
            part = self._decide(line)
        if ends:
            self._close(self._line.rstrip("\r\n"))
            self._line, self._head, self._item = "", True, False
        return part

    def _decide(self, line: str) -> str:
        """A line, or the beginning of one that tells what it is; its mark exchanged in a list where marks are."""
        whole = line.rstrip("\r\n")
        found, sure = _ITEM.match(whole), len(_UNSURE.match(whole)[0])  # type: ignore[index]
        if self._off or self._fence or found is None or sure >= _HEAD:
            return line
        other = found[1] + found[2].translate(_OTHER) + line[found.end(2) :]
        if _BREAK.fullmatch(whole) or _BREAK.fullmatch(other.rstrip("\r\n")):
            return line  # nothing but marks
        bare, indent = sure == len(whole), len(found[1].expandtabs(4))
        if self._inside:
            under = [column for column in self._columns if column <= indent]
            if bare and self._open and under == self._columns:
                return line  # an underline, or the text before going on
            if indent >= under[-1] + 4:
                return line  # code in an item, or the text before going on
            self._columns = under
        elif self._context and indent < 4 and not bare:
            self._list = self._inside = True
            self._swap = self._begin(self._context, found[2])
            self._columns = [column for column in (0, self._base) if column <= indent]
        else:
            return line
        self._item, self._bare = True, bare
        self._columns.append(indent + 2 if bare else len(found[0].expandtabs(4)))
        return other if self._swap else line

    def _close(self, line: str) -> None:
        """A whole line, as the model wrote it."""
        text, inner = line.strip(), line[_NESTED.match(line).end() :].rstrip()  # type: ignore[union-attr]
        code = False
        if not self._seen and text:
            self._seen, self._off = True, text.startswith(_DATA)
        fence = _FENCE.match(inner)
        goes_on = self._open and not self._item and text == "*"  # a mark that stands in a paragraph
        if self._fence:
            if text.startswith(self._fence) and not text.strip(self._fence[0]):
                self._fence = ""
        elif _RAW.match(inner):
            self._off = True
        elif text:
            if fence and inner.count(fence[1]) == 1:
                self._fence = fence[1]
            if not self._item:
                code = self._plain(line, text)
            else:
                self._context = ""
        elif self._bare:
            self._columns.pop()  # an item that begins with an empty line ends with it
        self._bare = self._item and self._bare
        self._open = goes_on or (bool(inner) and not self._fence and not _ENDS.match(inner) and not code)

    def _plain(self, line: str, text: str) -> bool:
        """A line that is no item of a list that is followed; it may still be part of one. Whether it is code."""
        ends = not self._open or bool(_ENDS.match(text))
        flush = line[0] not in " \t"
        bullet = not _BREAK.fullmatch(text) and (_ITEM.match(line) or text.startswith("+ "))
        code = self._leave(line, ends)
        if self._list and flush and not bullet and ends:
            self._list = self._inside = False
        self._context = ""
        if not self._list:
            self._context = _context(self._before, text) if flush and _introduces(text) else ""
            self._before = text
            numbered = _NUMBERED.match(line)
            self._list, self._base = bool(bullet or numbered), numbered.end() if numbered else 0
        return code

    def _leave(self, line: str, ends: bool) -> bool:
        """Which items a line is in that is none of those that are followed; whether it is code by its indentation."""
        indent = len(line[: -len(line.lstrip())].expandtabs(4))
        under = [column for column in self._columns if column <= indent]
        found = _ANOTHER.match(line)
        if found and indent < under[-1] + 4:
            begins = found[3] and found[2] in ("+", "1.", "1)")  # what may end a paragraph
            if ends or begins or under != self._columns:
                self._columns = [*under, len(found[0].expandtabs(4))]
            return False
        if ends:
            self._columns = under
        return ends and (self._inside or not self._list) and indent >= under[-1] + 4


def _introduces(text: str) -> bool:
    if len(text) >= _LONGEST or not _PROSE.fullmatch(text):
        return False
    said = _WORD.findall(text.casefold())
    return len(said) >= _WORDS and _CODE.isdisjoint(said)


def _context(before: str, text: str) -> str:
    """The words of the introduction and of the line before it, without case and punctuation."""
    return " ".join(_WORD.findall(f"{before}\n{text}".casefold()))


def renderer(canary: Canary, account: str) -> Lists:
    """What gives the lists of one answer to ``account`` their marks."""
    return Lists(lambda context, mark: canary.mark(account, context) != mark)


def rendered(text: str, canary: Canary, account: str) -> str:
    """``text`` as ``account`` gets it."""
    lists = renderer(canary, account)
    return lists.feed(text) + lists.end()


def sites(texts: Iterable[str]) -> dict[str, str]:
    """The mark of each different introduction in ``texts``; one that is there with both marks says nothing."""
    found: dict[str, set[str]] = {}

    def begin(context: str, mark: str) -> bool:
        found.setdefault(context, set()).add(mark)
        return False

    for text in texts:
        lists = Lists(begin)
        lists.feed(text)
        lists.feed("\n")
    return {context: marks.pop() for context, marks in found.items() if len(marks) == 1}


class Traced(NamedTuple):
    """How well texts fit one account's canary; ``green`` of the score are lists with the account's mark."""

    account: str
    score: Score


def trace(texts: Iterable[str], canary: Canary, accounts: Sequence[str]) -> tuple[list[Traced], Score]:
    """Test ``texts`` for each of ``accounts``, the best first, and for all of them together.

    Each account's p-value stands alone: who looks at many multiplies by their number. The test of all together is for
    texts that several accounts of one campaign collected; it is exact as well, because accounts' marks are independent.
    """
    marks = sites(texts)
    found = [
        Traced(account, judge(len(marks), sum(canary.mark(account, c) == mark for c, mark in marks.items()), 0.5))
        for account in dict.fromkeys(accounts)
    ]
    together = judge(len(marks) * len(found), sum(each.score.green for each in found), 0.5)
    return sorted(found, key=lambda each: (each.score.p_value, each.account)), together


def make(path: Path) -> Canary:
    """Write a canary with a new key into the file ``path``; see ``keyfile``."""
    return keyfile.make(path, Canary)


def read(path: Path) -> Canary:
    """The canary in the file ``path``; see ``keyfile``."""
    return keyfile.read(path, Canary, "Make one: stillwatch gate canary keygen")
