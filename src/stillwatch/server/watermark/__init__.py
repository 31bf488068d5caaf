"""Plugins that put the watermark of ``stillwatch.text.watermark`` into what a model server writes.

Nothing of a model server is imported before it asks for its plugin; tensors are torch's, used by their methods alone.
"""

from typing import Final

#: What a request's ``vllm_xargs`` say of it.
ASKED: Final = "stillwatch_watermark"
