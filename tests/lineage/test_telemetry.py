import json

import numpy as np
import pytest

from stillwatch.campaigns.objectives import TARGETS
from stillwatch.errors import InputError
from stillwatch.lineage.interface import Card, Panel, Role
from stillwatch.lineage.telemetry import covered, line, read_campaigns
from tests.lineage.made import WORDS

TEMPLATE = "You are a careful tutor in a village school. Explain to a pupil of ten years the word "


def prompts(count: int) -> dict[str, str]:
    """Every other one on the template."""
    return {str(at): f"{TEMPLATE if at % 2 else 'What do you think of '}{WORDS[at]}" for at in range(count)}


@pytest.fixture
def campaign(tmp_path):
    import pyarrow as pa

    from stillwatch.text import fingerprint

    batch = pa.RecordBatch.from_pydict({"prompt": [TEMPLATE + word for word in WORDS[:3]]})
    lists = fingerprint(batch).column("prompt_anchors").to_pylist()
    shared = set(lists[0]) & set(lists[1]) & set(lists[2])
    assert len(shared) >= 2
    row = {
        "id": "c-1", "accounts": ["a", "b"], "first_seen": "2026-06-01T00:00:00Z", "last_seen": "2026-06-09T00:00:00Z",
        "requests": 900, "targets": ["reasoning"],
        "templates": [
            {"anchors": [f"{anchor & (1 << 64) - 1:016x}" for anchor in shared], "needed": 2},
            {"anchors": [], "needed": 0},
        ],
    }  # fmt: skip
    path = tmp_path / "campaigns.json"
    path.write_text(json.dumps([row]))
    return read_campaigns(path)[0]


def compared(lift: float, released: str = "2026-09") -> tuple[Panel, np.ndarray]:
    """A suspect that is nearer on templates by ``lift``, and 19 control families that are not."""
    rng = np.random.default_rng(1)
    keys = tuple(map(str, range(100)))
    cards = [Card("s", Role.SUSPECT, "s", released=released), Card("t", Role.CANDIDATE, "t", "t")]
    cards += [Card(f"c{at}", Role.CONTROL, f"f{at}") for at in range(19)]
    near = rng.normal(0.2, 0.02, (100, len(cards))).astype(np.float32)
    near[1::2, 0] += lift
    return Panel(tuple(cards), keys, tuple(tuple("x" for _ in cards) for _ in keys)), near


def test_prompts_on_a_template_and_on_a_target_are_told_apart(campaign) -> None:
    texts = [TEMPLATE + "zebra", "What is a zebra?", "Think step by step: what is 2 + 2?"]
    on, asks = covered(campaign, texts, TARGETS)
    assert on.tolist() == [True, False, False]
    assert asks.tolist() == [False, False, True]


def test_a_suspect_that_is_nearer_where_the_campaign_asked(campaign) -> None:
    panel, near = compared(0.1)
    found = line(campaign, panel, prompts(100), {}, near, "t", "f")
    assert found.p_value == pytest.approx(0.05)
    assert not found.by_design
    assert "50 of 100 prompts here are on one" in found.says
    assert len(found.controls) == 19
    panel, near = compared(0.0)
    assert line(campaign, panel, prompts(100), {}, near, "t", "f").p_value > 0.1


def test_a_suspect_that_is_older_than_the_campaign_is_doubted(campaign) -> None:
    panel, near = compared(0.1, released="2026-05")
    assert "before the campaign began" in line(campaign, panel, prompts(100), {}, near, "t", "f").doubts[0]


def test_without_the_prompts_texts_nothing_is_compared(campaign) -> None:
    panel, near = compared(0.1)
    found = line(campaign, panel, {}, {}, near, "t", "f")
    assert found.p_value is None
    assert any("--prompts" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[{"id": "x"}]'])
def test_what_is_no_list_of_campaigns_is_refused(tmp_path, text) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(InputError, match="cannot be read as campaigns"):
        read_campaigns(tmp_path / "c")
