"""The processor for vLLM (interface of its V1 engine, ``vllm.v1.sample.logits_processor``).

``STILLWATCH_WATERMARK=mark.json vllm serve MODEL --logits-processors stillwatch.server.watermark.vllm:Processor``

A request is marked if its sampling parameters ask for it (``vllm_xargs: {"stillwatch_watermark": 1}``, which the gate
sets by the policy), never if its output is structured. vLLM is imported when the processor is asked for, not before.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import StillwatchError, UsageError
from stillwatch.server.watermark import ASKED
from stillwatch.server.watermark.logits import lean
from stillwatch.text.watermark import FILE, Watermark, read

#: Names that vLLM has had for parameters that bind the output to a grammar.
_STRUCTURED: Final = ("structured_outputs", "guided_decoding")


class Batch:
    """Which requests of the batch are marked, by their places in it.

    A request's list of output tokens is vLLM's own, and grows as tokens are sampled.
    """

    def __init__(self, watermark: Watermark) -> None:
        self._watermark = watermark
        self._outputs: dict[int, list[int]] = {}

    def update(self, change: Any) -> None:
        """Follow a ``BatchUpdate``; None where nothing changed. Removals come first, then additions, then moves."""
        if change is None:
            return
        outputs = self._outputs
        for place in change.removed:
            outputs.pop(place, None)
        for place, parameters, _, output in change.added:
            outputs.pop(place, None)
            if wanted(parameters):
                outputs[place] = output
        for source, target, direction in change.moved:
            moved, stood = outputs.pop(source, None), outputs.pop(target, None)
            if moved is not None:
                outputs[target] = moved
            if stood is not None and direction.name == "SWAP":
                outputs[source] = stood

    def apply(self, logits: Any) -> Any:
        """Mark the rows of (requests, vocabulary) in place; an answer's first tokens have no context and are free."""
        if not self._outputs:
            return logits
        width = self._watermark.width
        seeds: list[int | None] = [None] * logits.shape[0]
        for place, output in self._outputs.items():
            if len(output) >= width:
                seeds[place] = self._watermark.seed(output[-width:])
        return lean(logits, seeds, self._watermark)


def wanted(parameters: Any) -> bool:
    """Whether a request with these ``SamplingParams`` is marked."""
    extra: Mapping[str, Any] = getattr(parameters, "extra_args", None) or {}
    return bool(extra.get(ASKED)) and all(getattr(parameters, name, None) is None for name in _STRUCTURED)


@cache
def make() -> type:
    """The class that vLLM makes its processor of.

    Raises:
        StillwatchError: vLLM is not installed, or of a version without the interface.
    """
    try:
        from vllm.v1.sample.logits_processor import LogitsProcessor  # type: ignore[import-not-found]
    except ImportError:
        raise StillwatchError("vLLM is not installed, or does not have the V1 interface", where="vllm") from None

    class Processor(LogitsProcessor):  # type: ignore[misc]
        """Marks the batch of a vLLM engine."""

        def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:
            if not os.environ.get(FILE):
                raise UsageError("no watermark to write", where=FILE, do="Name the file that keygen wrote.")
            self._batch = Batch(read(Path(os.environ[FILE])))

        @classmethod
        def validate_params(cls, sampling_params: Any) -> None:
            """Refuse what is no flag.

            Raises:
                ValueError: as vLLM has it.
            """
            asked = (sampling_params.extra_args or {}).get(ASKED)
            if asked not in (None, 0, 1):
                raise ValueError(f"{ASKED} is 0 or 1")

        def is_argmax_invariant(self) -> bool:
            """False: among tokens that are about as likely, the best may change."""
            return False

        def update_state(self, batch_update: Any) -> None:
            self._batch.update(batch_update)

        def apply(self, logits: Any) -> Any:
            return self._batch.apply(logits)

    return Processor


def __getattr__(name: str) -> Any:
    if name == "Processor":
        return make()
    raise AttributeError(name)
