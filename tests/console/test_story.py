"""A story in the terminal: who did what, who could see what, and nothing foreign printed as it is."""

from io import StringIO

from rich.console import Console

from stillwatch.console.story import Story


def _story() -> tuple[Story, StringIO]:
    file = StringIO()
    return Story(Console(file=file, width=120, color_system=None), ["North", "hub"]), file


def test_acts_are_numbered_and_commands_shortened() -> None:
    story, file = _story()
    story.act("The first")
    story.typed("North", "stillwatch forum join --identity identity--d673c974-c248-4440-beae-ab22923caa6f")
    story.act("The second")
    told = file.getvalue()
    assert "1. The first" in told
    assert "2. The second" in told
    assert "$ stillwatch forum join --identity identity--d673c974…" in told


def test_what_was_seen_is_told_at_once_and_again_at_the_end() -> None:
    story, file = _story()
    story.view("hub", "30 indicators", "a customer")
    assert "sees 30 indicators · does not see a customer" in file.getvalue()
    story.view("North", "its own", "others'")
    story.view("hub", "30 indicators", "an address")
    story.end("Stopped.", "Reports: here")
    last = file.getvalue().rpartition("Who saw what")[2]
    assert [last.count(word) for word in ("hub", "North", "30 indicators", "a customer", "an address")] == [1] * 5
    assert last.index("hub") < last.index("a customer") < last.index("an address") < last.index("North")
    assert "Reports: here" in last
    assert "Stopped. 0 seconds." in last


def test_control_characters_and_markup_do_not_reach_the_terminal() -> None:
    story, file = _story()
    story.says("North", "\x1b[31mred [bold]not bold[/bold]")
    story.table(("", "figure"), [("North", "\x07 7")])
    story.view("North", "\x1b]0;title\x07", "[red]nothing")
    story.end("done")
    told = file.getvalue()
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\\x1b[31mred [bold]not bold[/bold]" in told
    assert "[red]nothing" in told
