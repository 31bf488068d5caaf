"""``stillwatch demo``: the whole story, from a campaign that nobody knows of to one that is stopped everywhere."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from stillwatch.cli.demo import acts, private
from stillwatch.cli.demo.parties import Hub, Provider
from stillwatch.console.story import Story
from stillwatch.errors import MissingExtra, UsageError

#: The providers, and their shares of the campaign's accounts.
SHARES: Final = {"North": 286.0, "South": 7.0, "West": 7.0}
#: Columns of a picture.
_PICTURE: Final = 120


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
              help="Directory to play in; it must not exist.")  # fmt: skip
@click.option("--requests", type=click.IntRange(min=100_000), default=360_000, show_default=True,
              help="Requests of all providers together.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=11, show_default=True, help="Another day.")
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), help="Write the end of what was shown as SVG too."
)
def demo(out: Path, requests: int, seed: int, picture: Path | None) -> None:
    """Play one campaign over three providers and a hub, with real processes, logs and HTTP on this machine.

    Exit status: 0 every step did its job, 1 one did not.
    """
    try:
        import stillwatch.forum.hub
        import stillwatch.server.run  # noqa: F401 - asked for before anything begins
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "forum") from None
    if out.exists():
        raise UsageError("is there already", where=str(out), do="Remove it, or choose another --out")
    console = Console(record=picture is not None, highlight=False, width=_PICTURE if picture else None)
    story = Story(console, ["lab", *SHARES, acts.HUB, acts.TRUSTEE, acts.AUDITOR])
    place = out.resolve()
    place.mkdir(parents=True)
    providers = [Provider(name, place / name) for name in SHARES]
    with ExitStack() as stack:
        cast = acts.Cast(
            place,
            place / "day",
            Hub(place / "hub", place / "trustee"),
            providers[0],
            tuple(providers[1:]),
            story,
            stack,
        )
        acts.deal_out(cast, requests, seed, SHARES)
        acts.look_alone(cast)
        acts.found_forum(cast)
        acts.guard_and_push(cast)
        acts.fetch_and_match(cast)
        private.compare_in_private(cast)
        acts.warned_only(cast)
        acts.confirm(cast)
        if picture:
            console.export_text()  # empties what was recorded: the picture begins here
        acts.stop(cast)
        acts.appeal(cast)
        acts.audit(cast)
    again = "`make demo` replaces demo/; `stillwatch demo --out` plays in a new folder."
    story.end(acts.score(cast), acts.reports(cast, out), again)
    if picture:
        drawn = console.export_svg(title="stillwatch demo")
        picture.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), encoding="utf-8")  # no network
