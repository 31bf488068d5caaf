"""The demo's parts. The whole of it is played by ``make demo``, which fails where a step does not do its job."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from stillwatch import __version__
from stillwatch.cli.demo import command
from stillwatch.cli.demo.running import StepError, free_port, run, served
from stillwatch.cli.demo.secrets import secrets_of
from stillwatch.cli.main import COMMANDS, cli
from stillwatch.enforcement import load
from stillwatch.enforcement.check import failures
from stillwatch.errors import UsageError

PROMPT = "Explain the reasoning behind the completed answer, step by step and in detail"


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    names = ("account_id", "organization_id", "client_ip", "session_id", "credential_id", "prompt")
    rows = [("acct_00112233", None, "198.51.100.7", "sess_1122", "key_9988", PROMPT),
            ("acct_44556677", "org_1", "203.0.113.77", "sess_3344", "key_7766", "Continue, please")]  # fmt: skip
    folder = tmp_path / "provider"
    folder.mkdir()
    table = {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)}
    pq.write_table(pa.table(table), folder / "requests.parquet")
    known = {"payment_fingerprint": ["pay_5566"] * 2, "signup_ip": ["192.0.2.1"] * 2}
    pq.write_table(pa.table({name: table[name] for name in names[:2]} | known), folder / "accounts.parquet")
    return folder


@pytest.mark.parametrize(
    ("held", "found"),
    [
        (b"x acct_00112233 y", {b"acct_00112233"}),
        (b'{"ip":"198.51.100.7"}', {b"198.51.100.7"}),
        (b"1198.51.100.7 198.51.100.77 198.51.100.7/32", set()),  # other addresses, and a range
        (PROMPT.encode(), {PROMPT[:48].encode()}),
        (b"Continue, please", set()),  # anybody's phrase
        (b"pay_5566", {b"pay_5566"}),
        (b"acct_99999999 and 203.0.113.0/24", set()),
    ],
)
def test_what_a_party_holds_is_searched_for_customers(provider: Path, held: bytes, found: set[bytes]) -> None:
    place = provider.parent / "party"
    (place / "deep").mkdir(parents=True)
    (place / "deep" / "file.db").write_bytes(b"\0\xff" + held + b"\0")
    searched = secrets_of(provider).found_in([place])
    assert (searched.found, searched.size) == (found, len(held) + 3)


def test_a_step_that_does_not_do_its_job_is_an_error(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).out.endswith(f"version {__version__}\n")
    with pytest.raises(StepError, match="status 2") as failed:
        run("detect", "nowhere", cwd=tmp_path)
    assert "stillwatch detect nowhere" in str(failed.value)
    with (
        pytest.raises(StepError, match="does not serve"),
        served("lab", "scenarios", port=free_port(), cwd=tmp_path, log=tmp_path / "log"),
    ):
        pass


def test_a_served_command_ends_with_its_context(tmp_path: Path) -> None:
    port = free_port()
    with served("lab", "model", "--port", str(port), port=port, cwd=tmp_path, log=tmp_path / "log") as at:
        assert at == port
    assert f"http://127.0.0.1:{port}" in (tmp_path / "log").read_text()
    with pytest.raises(StepError, match="status 1"):  # the port is free again, and nobody answers at it
        run("forum", "join", f"http://127.0.0.1:{port}/taxii2/", cwd=tmp_path, expect=(0,), STILLWATCH_TOKEN="t")


def test_the_demo_does_not_play_over_what_is_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path)])
    assert isinstance(done.exception, UsageError)


def test_its_policy_passes_its_own_tests_and_enforces() -> None:
    policy = load(Path(command.__file__).with_name("policy.toml"))
    assert policy.file.test
    assert failures(policy) == []
    assert policy.file.policy.mode == "enforce"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "--help"])
    assert (done.exit_code, f"Usage: stillwatch {name}" in done.output) == (0, True)
