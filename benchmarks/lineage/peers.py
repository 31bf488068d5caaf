"""What a user would pick today: knowlyr-modelaudit (where an interpreter has it) and a slop profile."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.lineage.corpus import Corpus

Floats = NDArray[np.float64]
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_TOP = 1500


def slop_profile(corpus: Corpus) -> Floats:
    """Shared share of each model's most over-used words, bigrams and trigrams, in the manner of slop-forensics.

    That tool joins such presence profiles to a tree (PHYLIP, parsimony); the profile is what the tree rests on.
    """
    counts = []
    for at in range(len(corpus.models)):
        found: Counter[str] = Counter()
        for row in corpus.texts:
            words = _WORD.findall((row[at] or "").lower())
            for length in (1, 2, 3):
                found.update({" ".join(words[i : i + length]) for i in range(len(words) - length + 1)})
        counts.append(Counter({gram: n for gram, n in found.items() if n > 2}))
    everywhere: Counter[str] = Counter()
    for one in counts:
        everywhere.update(one)
    tops = []
    for one in counts:
        over = {gram: n / (everywhere[gram] / len(counts) + 1) * np.log(n) for gram, n in one.items()}
        tops.append(set(sorted(over, key=lambda gram: (-over[gram], gram))[:_TOP]))
    return np.array([[len(a & b) / max(len(a | b), 1) for b in tops] for a in tops])


def modelaudit(corpus: Corpus, python: Path, work: Path) -> dict[str, Floats]:
    """Its two black-box methods on the answers to every fourth prompt."""
    answers = {m: [row[at] or "" for row in corpus.texts[::4]] for at, m in enumerate(corpus.models)}
    given, out = work / "modelaudit-in.json", work / "modelaudit-out.json"
    given.write_text(json.dumps(answers), "ascii")
    subprocess.run([str(python), str(Path(__file__).with_name("run_modelaudit.py")), str(given), str(out)], check=True)
    return {name: np.array(rows) for name, rows in json.loads(out.read_text("ascii")).items()}
