from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from stillwatch.cli.lab import lab
from stillwatch.errors import UsageError
from stillwatch.lab import KNOBS, SCENARIOS


def test_generate_writes_a_log_and_says_where(tmp_path: Path) -> None:
    arguments = ["generate", "--scenario", "demo", "--requests", "500", "--seed", "4", "--out", str(tmp_path)]
    result = CliRunner().invoke(lab, [*arguments, "--evade", "jitter", "--evade", "residential=0.4"])
    assert result.exit_code == 0, result.output
    assert "500 requests" in result.output
    assert pq.read_table(tmp_path / "requests").num_rows == 500
    for name in (
        "accounts.parquet",
        "authorised.toml",
        "truth/requests.parquet",
        "truth/accounts.parquet",
        "truth/groups.json",
    ):
        assert (tmp_path / name).is_file()


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
