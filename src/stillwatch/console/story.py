"""A story for the terminal: acts, what each party did and could see, and how long it took."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from stillwatch.console import words

_STYLES = ("white", "cyan", "green", "magenta", "yellow", "bright_blue", "bright_magenta")
_NAME = 9  # columns for who is speaking
#: What is too long to be read in a command: the rest of a UUID, of a key.
_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f-]{22}|(?<=\+)[A-Za-z0-9+/=]{40,}")


@dataclass(frozen=True, slots=True)
class View:
    """What a party could see of an act, and what it could not."""

    party: str
    saw: str
    not_saw: str


class Story:
    """Prints to ``console``; nothing that comes from a log is printed as it is.

    Args:
        console: the terminal.
        parties: in the order of their colours.
    """

    def __init__(self, console: Console, parties: Sequence[str]) -> None:
        self._console, self._began, self._acts = console, time.monotonic(), 0
        self._styles = {name: _STYLES[place % len(_STYLES)] for place, name in enumerate(parties)}
        self._views: list[View] = []

    @property
    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began

    def act(self, title: str) -> None:
        """Another act begins."""
        self._acts += 1
        self._rule(f"{self._acts}. {title}")

    def typed(self, who: str, command: str) -> None:
        """A command that a party ran, as typed."""
        self._line(who, Text.assemble(("$ ", "dim"), (_short(words.printable(command, 1000)), "dim")))

    def says(self, who: str, text: str, style: str = "") -> None:
        """What came of it."""
        self._line(who, Text(_short(words.printable(text, 2000)), style))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Figures, a row a party."""
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            cells = [Text(words.printable(cell, 400)) for cell in row]
            cells[0].stylize(self._styles.get(row[0], ""))
            table.add_row(*cells)
        self._console.print(Padding(table, (0, 0, 0, _NAME)))

    def view(self, party: str, saw: str, not_saw: str) -> None:
        """Tell what ``party`` could see of this act and what not; it is told again at the end."""
        view = View(party, words.printable(saw), words.printable(not_saw))
        self._views.append(view)
        told = Text.assemble(("sees ", "bold green"), view.saw, (" · does not see ", "bold red"), view.not_saw)
        self._line(party, told)

    def end(self, headline: str, *more: str) -> None:
        """Who could see what, a row a party; ``more`` to know; and the last line."""
        self._rule("Who saw what")
        table = Table("", "saw", "did not see", header_style="bold", box=None, padding=(0, 2, 1, 0))
        for party in dict.fromkeys(each.party for each in self._views):
            own = [each for each in self._views if each.party == party]
            cells = ["\n".join(dict.fromkeys(some)) for some in ([e.saw for e in own], [e.not_saw for e in own])]
            table.add_row(Text(party, self._styles.get(party, "")), *(Text(cell) for cell in cells))
        self._console.print(table)
        for line in more:
            self._console.print(Text(words.printable(line, 2000)))
        self._console.print()
        self._console.print(Text(f"{headline} {self.seconds:.0f} seconds.", "bold green"))

    def _rule(self, title: str) -> None:
        self._console.print()
        self._console.print(Rule(Text(title, "bold"), align="left", style="dim"))

    def _line(self, who: str, said: Text) -> None:
        grid = Table.grid()
        grid.add_column(width=_NAME, no_wrap=True)
        grid.add_column()
        grid.add_row(Text(who, self._styles.get(who, "")), said)
        self._console.print(grid)


def _short(text: str) -> str:
    return _ID.sub(lambda found: f"{found[1] or ''}…", text)
