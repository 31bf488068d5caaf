"""Leaning to green: what is done to the logits of the next token, and the processor for transformers.

marked = model.generate(**inputs, do_sample=True, logits_processor=[Processor(read(path))])
"""

from collections.abc import Sequence
from typing import Any

from stillwatch.text.watermark import Watermark


def lean(logits: Any, seeds: Sequence[int | None], watermark: Watermark) -> Any:
    """Add ``delta`` to the logits of green tokens that are near the best, in place.

    Only what is within ``margin`` of the row's highest logit is looked at: a handful of tokens, not the vocabulary.

    Args:
        logits: tensor of torch, (rows, vocabulary), before the temperature.
        seeds: of each row, ``watermark.seed`` of its last tokens; None for a row that is left as it is.
        watermark: whose mark.
    """
    if all(seed is None for seed in seeds):
        return logits
    margins = logits.new_tensor([-1.0 if seed is None else watermark.margin for seed in seeds])
    rows, tokens = (logits >= logits.amax(dim=-1, keepdim=True) - margins[:, None]).nonzero(as_tuple=True)
    drawn = tokens.new_tensor([seed or 0 for seed in seeds])[rows]
    green = watermark.greens(drawn, tokens)
    logits[rows[green], tokens[green]] += watermark.delta
    return logits


class Processor:
    """A logits processor as ``GenerationMixin.generate`` of transformers takes it."""

    def __init__(self, watermark: Watermark) -> None:
        self._watermark = watermark

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores of the next token.

        Args:
            input_ids: (rows, tokens so far), the prompt among them.
            scores: (rows, vocabulary).
        """
        width = self._watermark.width
        contexts = input_ids[:, -width:].tolist()
        seeds = [self._watermark.seed(context) if len(context) == width else None for context in contexts]
        return lean(scores.clone(), seeds, self._watermark)
