"""Command line: ``python -m benchmarks.lineage [--corpora DIR] [--out DIR] [--part NAME] [--threads N]``."""

import argparse
import csv
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.lineage import corpus as corpora
from benchmarks.lineage import lines, peers, whole
from benchmarks.lineage.evasion import EVASIONS, MIXTURES, mixed
from benchmarks.lineage.identification import identification
from benchmarks.lineage.strangers import strangers
from benchmarks.options import add_common
from stillwatch.lineage.claims import QUESTIONS
from stillwatch.lineage.likeness import Likeness, compare, doubly_centred
from stillwatch.lineage.safeguards import refusal
from stillwatch.lineage.views import VIEWS

_WANTED = tuple(dict.fromkeys(view for q in QUESTIONS for view in q.views + q.beside))
_JUDGED = ("gpt4", "llama2new", "llama2orig", "mistralguard", "mistralinstruct")


def main() -> int:
    """Run and write ``lineage.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__)
    add_common(parser)
    parser.add_argument("--part", choices=("all", "table", "curve", "evasion", "identify", "peers"), default="all")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has knowlyr-modelaudit")
    options = parser.parse_args()
    folder = options.corpora / "lineage"
    if not (folder / "outputs.parquet").exists():
        print(f"no corpus at {folder}: nothing measured", file=sys.stderr)
        return 0
    corpus = corpora.read(folder)
    options.out.mkdir(parents=True, exist_ok=True)
    beside = {"peers": lambda corpus, *_: _peers(corpus, options.peer_python, options.out)}
    for name, work in {**_PARTS, **beside}.items():
        if options.part in ("all", name):
            began = time.monotonic()
            found = {**work(corpus, folder, options.threads), "seconds": round(time.monotonic() - began, 1)}
            (options.out / f"lineage_{name}.json").write_text(json.dumps(found, indent=1) + "\n")
            print(json.dumps({name: found}, indent=1), flush=True)
    return 0


def _likeness(corpus: corpora.Corpus, texts: list[list[str | None]], threads: int, kept: dict | None = None) -> dict:
    found = {}
    for view in _WANTED:
        rows: list = []
        see = (lambda at, same, rows=rows: rows.append(same.astype(np.float32))) if kept is not None else _unseen
        found[view] = compare(texts, VIEWS[view], threads=threads, see=see)
        if kept is not None:
            kept[view] = np.array(rows)
    return found


def _unseen(at: int, same: np.ndarray) -> None:
    """Not kept."""


def _short(corpus: corpora.Corpus, likeness: dict) -> dict:
    found: dict = {}
    for tier in ("L0", "L1"):
        ranked = list(lines.ranks(corpus, likeness, tier).values())
        kin = list(lines.ranks(corpus, likeness, tier, kin=True).values())
        found[tier] = {
            "first": sum(r == 1 for r in ranked), "first three": sum(r <= 3 for r in ranked), "of": len(ranked),
            "first, kin rivals too": sum(r == 1 for r in kin), "first three, kin too": sum(r <= 3 for r in kin),
        }  # fmt: skip
    return {**found, "teacher": lines.teacher_family(corpus, likeness), "claims": lines.family_wise(corpus, likeness)}


def _table(corpus: corpora.Corpus, folder: Path, threads: int) -> dict:
    kept: dict = {}
    likeness = _likeness(corpus, corpus.texts, threads, kept)
    return {
        **_short(corpus, likeness), "as the command judges": whole.outcomes(corpus, likeness, kept),
        "strangers": strangers(corpus, likeness, kept),
        "chat": lines.chat_auc(corpus, likeness), "claims at 0.10": lines.family_wise(corpus, likeness, 0.10),
        "refusal": _refusal(folder),
    }  # fmt: skip


def _refusal(folder: Path) -> dict:
    """Bias of the refusal rate, each model judged by weights fitted to the other four."""
    seen, said = {}, {}
    for model in _JUDGED:
        with (folder / f"xstest_completions_{model}.csv").open(encoding="utf-8", newline="") as rows:
            table = list(csv.DictReader(rows))
        seen[model] = np.array([refusal.features(row["prompt"], row["completion"]) for row in table])
        said[model] = np.array([row["final_label"][0] != "1" for row in table])
    found = {}
    for model in _JUDGED:
        rest = [other for other in _JUDGED if other != model]
        weights = refusal.fit(np.vstack([seen[o] for o in rest]), np.concatenate([said[o] for o in rest]))
        p = refusal.probability(seen[model], weights)
        truth = said[model].mean()
        found[model] = {
            "labelled": float(truth), "bias": float(p.mean() - truth),
            "bias, verdicts": float((p > 0.5).mean() - truth),
            "accuracy": float(((p > 0.5) == said[model]).mean()),
        }  # fmt: skip
    return found


def _curve(corpus: corpora.Corpus, _: Path, threads: int) -> dict:
    """The table again from fewer prompts, drawn ten times: means, and the quartiles of power.

    Likeness between answers to different prompts is that of all prompts: it is nearly the same whichever are taken.
    """
    kept: dict = {}
    whole_set = _likeness(corpus, corpus.texts, threads, kept)
    centred = {
        view: np.array([doubly_centred(row.astype(float)) for row in rows], np.float32) for view, rows in kept.items()
    }
    found: dict = {}
    for count in (25, 50, 100, 200, 400, 600):
        each = []
        for seed in range(10):
            rows = np.sort(np.random.default_rng(seed).permutation(len(corpus.texts))[:count])
            fewer = {
                view: Likeness(
                    np.nanmean(kept[view][rows], 0, dtype=float), full.cross, centred[view][rows].mean(0, dtype=float),
                    full.by_prompt,
                )
                for view, full in whole_set.items()
            }  # fmt: skip
            each.append(_short(corpus, fewer))
        power = [one["claims"]["power, models"] for one in each]
        found[str(count)] = {
            **{
                f"{tier}, {what}": _mean_of([one[tier][what] for one in each])
                for tier in ("L0", "L1")
                for what in ("first", "first three")
            },
            "teacher, exact": _mean_of([one["teacher"]["exact"] for one in each]),
            "teacher, balanced": _mean_of([one["teacher"]["balanced"] for one in each]),
            "false accusation": _mean_of([one["claims"]["family-wise false accusation"] for one in each]),
            "power": _mean_of(power),
            "power, quartiles": [round(float(q), 2) for q in np.quantile(power, (0.25, 0.75))],
        }  # fmt: skip
    return found


def _mean_of(values: list) -> float:
    return round(float(np.mean(values)), 3)


def _evasion(corpus: corpora.Corpus, _: Path, threads: int) -> dict:
    """Every wrapper, derivative and student disguised at once, over every other prompt, beside what that costs."""
    suspects = [m for tier in ("L0", "L1", "L2") for m in corpus.tier(tier)]
    places = set(corpus.at(suspects))
    strangers = corpus.at(["cohere", "falcon-40b-instruct", "guanaco-33b"])
    strangers = [at for at in strangers if at not in places] or corpus.at(["cohere"])
    rows = corpus.texts[::2]
    found = {}
    for name, change in EVASIONS.items():
        texts = [[change(t) if t and at in places else t for at, t in enumerate(row)] for row in rows]
        found[name] = _short(corpus, _likeness(corpus, texts, threads))
        print(json.dumps({name: found[name]}), flush=True)
    for name, (own, of) in MIXTURES.items():
        found[name] = _short(corpus, _likeness(corpus, mixed(rows, places, strangers, own, of), threads))
        print(json.dumps({name: found[name]}), flush=True)
    return found


def _identify(corpus: corpora.Corpus, _: Path, threads: int) -> dict:
    return identification(corpus, threads)


def _peers(corpus: corpora.Corpus, python: Path | None, out: Path) -> dict:
    """Wrappers, derivatives and teachers by the peers' measures, ranked as ours are."""
    measures = {"slop profile": peers.slop_profile(corpus)}
    if python is not None:
        measures |= peers.modelaudit(corpus, python, out)
    found: dict = {}
    for name, z in measures.items():
        found[name] = {"teacher": lines.teacher_in(corpus, z)}
        for tier in ("L0", "L1"):
            ranked = list(lines.ranks_in(corpus, z, tier).values())
            found[name][tier] = [sum(r == 1 for r in ranked), sum(r <= 3 for r in ranked), len(ranked)]
    return found


_PARTS = {"table": _table, "curve": _curve, "evasion": _evasion, "identify": _identify}

if __name__ == "__main__":
    sys.exit(main())
