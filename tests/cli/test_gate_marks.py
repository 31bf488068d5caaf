"""Keys and detectors of the marks, as a user calls them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stillwatch.cli.main import cli
from stillwatch.errors import StillwatchError
from stillwatch.text import canary, watermark


def run(*arguments: Any) -> Result:
    found = CliRunner().invoke(cli, ["gate", *map(str, arguments)], catch_exceptions=True)
    if isinstance(found.exception, StillwatchError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found


def _write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_canary_from_key_to_account(tmp_path: Path) -> None:
    key = tmp_path / "canary.json"
    run("canary", "keygen", key)
    drawn = canary.read(key)
    texts = [f"Here are the reasons for question {n}:\n\n- one\n- two\n" for n in range(40)]
    found = _write(tmp_path / "found.ndjson", [{"response": canary.rendered(t, drawn, "account-3")} for t in texts])
    (tmp_path / "all").write_text("\n".join(f"account-{n}" for n in range(20)))
    told = json.loads(run("canary", "detect", found, "--key", key, "--accounts", tmp_path / "all", "--json").output)
    assert told["accounts"][0]["account_id"] == "account-3"
    assert told["accounts"][0]["green"] == told["accounts"][0]["scored"] == 40
    assert told["accounts"][1]["p_value"] > 1e-4
    assert "account-3" in run("canary", "detect", found, "--key", key, "--account", "account-3").output
    (tmp_path / "plain.md").write_text(texts[0])
    assert json.loads(run("canary", "detect", tmp_path / "plain.md", "--key", key, "--account", "x", "--json").output)
    with pytest.raises(StillwatchError, match="no accounts"):
        run("canary", "detect", found, "--key", key)


def test_a_watermark_in_tokens_and_in_words(tmp_path: Path) -> None:
    key = tmp_path / "mark.json"
    run("watermark", "keygen", key, "--width", "1", "--gamma", "0.5")
    mark, draw = watermark.read(key), np.random.default_rng(0)
    tokens = [1]
    for _ in range(300):
        among = draw.integers(0, 500, 8)
        tokens.append(int(among[np.argmax(mark.green(tokens[-1:], among))]))
    found = _write(tmp_path / "found.ndjson", [{"tokens": tokens}])
    told = json.loads(run("watermark", "detect", found, "--key", key, "--json").output)
    assert told["p_value"] < 1e-9
    assert "p-value" in run("watermark", "detect", found, "--key", key).output
    known = json.loads(run("watermark", "detect", found, "--key", key, "--known", found, "--json").output)
    assert (known["scored"], known["p_value"]) == (0, 1.0)
    texts = _write(tmp_path / "texts.ndjson", ["a text of some words", {"text": "another text"}])
    assert json.loads(run("watermark", "detect", texts, "--key", key, "--words", "--json").output)["scored"] == 5
    for bad in ({"tokens": ["a"]}, {"tokens": [2**40]}, {"text": "a"}, {"tokens": [True]}):
        with pytest.raises(StillwatchError, match="no list of token ids"):
            run("watermark", "detect", _write(tmp_path / "bad.ndjson", [bad]), "--key", key)
    (tmp_path / "bad.ndjson").write_text("{")
    with pytest.raises(StillwatchError, match="no JSON"):
        run("watermark", "detect", tmp_path / "bad.ndjson", "--key", key)


def test_a_policy_with_a_canary_needs_its_key(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the extra forum is not installed")
    from tests.enforcement.made import HEAD, RUNGS

    (tmp_path / "policy.toml").write_text(HEAD + "[canary]\n" + RUNGS)
    with pytest.raises(StillwatchError, match="there is no key"):
        run("serve", "--policy", tmp_path / "policy.toml")
