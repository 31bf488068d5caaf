import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from stillwatch.cli.lab import lab
from stillwatch.cli.main import cli
from stillwatch.errors import UsageError
from stillwatch.lab import KNOBS, SCENARIOS


def test_generate_writes_a_log_and_says_where(tmp_path: Path) -> None:
    arguments = ["generate", "--scenario", "demo", "--requests", "500", "--seed", "4", "--out", str(tmp_path)]
    result = CliRunner().invoke(lab, [*arguments, "--evade", "jitter", "--evade", "residential=0.4"])
    assert result.exit_code == 0, result.output
    assert re.match(r"500 requests of [\d,]+ accounts, 2 February 2026; a new model came out on 2 Feb", result.output)
    (command,) = re.findall(r"(?m)^  stillwatch (detect .*)$", result.output)
    detect = cli.get_command(click.Context(cli), "detect")
    assert detect is not None
    given = detect.make_context("detect", shlex.split(command)[1:]).params  # it can be typed as it stands
    assert given["accounts"] == tmp_path / "accounts.parquet"
    assert given["logs"] == (str(tmp_path / "requests"),)
    assert pq.read_table(tmp_path / "requests").num_rows == 500
    for name in (
        "accounts.parquet",
        "authorised.toml",
        "truth/requests.parquet",
        "truth/accounts.parquet",
        "truth/groups.json",
    ):
        assert (tmp_path / name).is_file()


def test_until_now_the_log_ended_this_week_on_the_same_weekdays(tmp_path: Path) -> None:
    tables, truths = [], []
    began = datetime.now(UTC)
    for name, options in (("then", ()), ("now", ("--until-now",))):
        out = tmp_path / name
        arguments = ["generate", "--scenario", "demo", "--requests", "500", "--seed", "4", "--out", str(out), *options]
        assert CliRunner().invoke(lab, arguments).exit_code == 0
        tables.append(pq.read_table(out / "requests"))
        truths.append(pq.read_table(out / "truth" / "accounts.parquet"))
    then, now = (table["timestamp"].to_pylist() for table in tables)
    moved = [after - before for before, after in zip(then, now, strict=True)]
    assert max(moved) - min(moved) < timedelta(milliseconds=1)  # rounding
    assert (moved[0] + timedelta(milliseconds=1)) % timedelta(weeks=1) < timedelta(milliseconds=2)
    assert began - timedelta(weeks=1, days=1) < max(now) <= datetime.now(UTC)
    assert then[0].year == 2026 and tables[0]["prompt"] == tables[1]["prompt"] and truths[0] == truths[1]


def test_scenarios_lists_scenarios_and_knobs() -> None:
    result = CliRunner().invoke(lab, ["scenarios"])
    assert result.exit_code == 0
    for name in (*(each.name for each in SCENARIOS), *(knob.name for knob in KNOBS)):
        assert name in result.output


@pytest.mark.parametrize("evade", ["jitter=much", "magic=1"])
def test_a_bad_knob_is_bad_usage(tmp_path: Path, evade: str) -> None:
    arguments = ["generate", "--scenario", "demo", "--requests", "10", "--out", str(tmp_path), "--evade", evade]
    result = CliRunner().invoke(lab, arguments)
    assert isinstance(result.exception, UsageError)
