from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.lab.conftest import Log, make

_CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(not _CORPORA.is_dir(), reason="the public corpora are not here")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return make(tmp_path_factory.mktemp("drawn"), "record", requests=40_000, seed=1, corpora=_CORPORA)


def test_campaigns_send_the_items_of_the_extraction_corpus(drawn: Log) -> None:
    corpus = pq.read_table(_CORPORA / "extraction_prompts.parquet")
    items = {text.strip()[:80] for text in corpus["prompt"].to_pylist() if len(text) > 100}
    said = [row["prompt"] for row in drawn.of("alibaba_2026")]
    whole = sum(any(text[i : i + 80] in items for i in range(0, 400)) for text in said[:300])
    assert whole > 30


def test_alpaca_sends_its_wire_template_round_three_seeds(drawn: Log) -> None:
    template = (_CORPORA / "alpaca_wire_template.txt").read_text()
    rows = drawn.of("alpaca_2023")
    assert all(row["prompt"].startswith(template) for row in rows)
    assert all(row["prompt"].endswith("4. Instruction:") for row in rows)
    assert len({row["prompt"] for row in rows}) > 0.95 * len(rows)


def test_people_have_prompts_of_their_own(drawn: Log) -> None:
    senders: dict[str, set[str]] = {}
    for row in drawn.of("people", "developers"):
        senders.setdefault(row["prompt"], set()).add(row["account_id"])
    counts = Counter(len(who) for who in senders.values())
    assert counts[1] / counts.total() > 0.85
    assert sum(number for size, number in counts.items() if size > 1) > 0


def test_the_paraphrased_wire_template_differs_each_time(tmp_path: Path) -> None:
    log = make(tmp_path, "alpaca_2023", requests=3000, corpora=_CORPORA, evade={"paraphrase": 1.0})
    assert len({row["prompt"][:300] for row in log.of("alpaca_2023")}) > 0.9 * len(log.of("alpaca_2023"))
