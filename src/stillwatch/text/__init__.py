"""Text kernels: what is kept of prompts and responses, computed once a request from Arrow buffers."""

from stillwatch.text.cues import CUES, Cue
from stillwatch.text.prints import fingerprint

__all__ = ["CUES", "Cue", "fingerprint"]
