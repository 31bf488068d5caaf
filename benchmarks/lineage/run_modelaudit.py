"""Run by an interpreter that has knowlyr-modelaudit: likeness of all models by its two black-box methods, as JSON.

``python run_modelaudit.py ANSWERS.json OUT.json``, where ANSWERS maps a model to its answers. Its own functions are
called on answers that are there already, in place of the endpoint that it would ask.
"""

import json
import sys
from pathlib import Path


def main() -> int:
    """Read, compare all pairs, write."""
    from modelaudit.methods import dli, llmmap  # in an environment of its own

    answers = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    signatures = {name: dli._extract_behavior_signature(texts) for name, texts in answers.items()}
    vectors = {}
    for name, texts in answers.items():
        features = [llmmap._extract_response_features(text) for text in texts]
        vectors[name] = llmmap._compute_fingerprint_vector(features)
    names = list(answers)
    found = {
        "modelaudit dli": [
            [dli._compute_behavior_similarity(signatures[one], signatures[other]) for other in names] for one in names
        ],
        "modelaudit llmmap": [
            [llmmap._cosine_similarity(vectors[one], vectors[other]) for other in names] for one in names
        ],
    }
    Path(sys.argv[2]).write_text(json.dumps(found), "ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
