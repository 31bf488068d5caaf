"""A watermark in text: green lists, drawn by a keyed hash of the tokens before, and the exact test for them.

After ``width`` tokens of context each token of the vocabulary is green with probability ``gamma``; a model that writes
the text leans to green tokens, and who has the key counts them (Kirchenbauer et al., ICML 2023). A model trained on
such text leans to green as well (Sander et al., "Watermarking makes language models radioactive", NeurIPS 2024), more
so the smaller ``width`` is.

Two things make the p-value exact, and not merely asymptotic. Whether a token is green is hashed for each (context,
token) by itself, so two tokens of one context are independent, as halves of a shuffled vocabulary are not; and each
(context, token) counts once in everything that is scored, because a phrase said twice is no second observation
(Fernandez et al., "Three bricks", WIFS 2023). The number of green ones is then binomial over keys, whoever wrote the
text, as long as the key was no part of the writing. The draw of a context is a keyed BLAKE2b (RFC 7693); what is drawn
is spread over the vocabulary by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which is no cipher: a list that is
known whole gives its own seed away, and no other.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from stillwatch.text import keyfile
from stillwatch.text.tokens import tokenise

#: Names the file with the watermark to plugins of model servers.
FILE: Final = "STILLWATCH_WATERMARK"
_GOLDEN: Final = 0x9E3779B97F4A7C15 - 2**64
_MIX_1: Final = 0xBF58476D1CE4E5B9 - 2**64
_MIX_2: Final = 0x94D049BB133111EB - 2**64
_PARTS: Final = 1 << 32
#: p-values are not told below this.
LEAST: Final = 1e-300


class Watermark(Struct, frozen=True, forbid_unknown_fields=True):
    """A key, and how it is used.

    Attributes:
        key: secret, 16 to 64 bytes.
        gamma: the share of tokens that are green.
        width: tokens of context that decide which are.
        delta: what is added to a green token's logit where text is written, in nats.
        margin: only tokens are favoured whose logit is at most this far below the highest: what the model finds much
            less likely than its first choice is never pushed, so facts, figures and code that it is sure of stay.
    """

    key: Annotated[bytes, Meta(min_length=16, max_length=64)]
    gamma: Annotated[float, Meta(gt=0, lt=1)] = 0.25
    width: Annotated[int, Meta(ge=1, le=8)] = 2
    delta: Annotated[float, Meta(ge=0, le=20)] = 2.0
    margin: Annotated[float, Meta(ge=0)] = 1.5

    @property
    def share(self) -> float:
        """``gamma`` as it is applied: a multiple of 2**-32."""
        return self._threshold / _PARTS

    @property
    def _threshold(self) -> int:
        return min(max(round(self.gamma * _PARTS), 1), _PARTS - 1)

    def seed(self, context: Sequence[int]) -> int:
        """The draw of a context, signed and of 64 bits.

        Args:
            context: the last ``width`` tokens, the newest last; signed numbers of 64 bits.
        """
        data = b"".join(token.to_bytes(8, "little", signed=True) for token in context)
        return int.from_bytes(
            blake2b(data, digest_size=8, key=self.key, person=b"watermark").digest(), "big", signed=True
        )

    def greens(self, seeds: Any, tokens: Any) -> Any:
        """Which ``tokens`` are green: arrays of numpy, or tensors of torch, of int64, whose shapes broadcast."""
        value = seeds + tokens * _GOLDEN
        # Shifts of signed numbers drag the sign along, and torch has no others: it is masked away.
        value = (value ^ (value >> 30 & (1 << 34) - 1)) * _MIX_1
        value = (value ^ (value >> 27 & (1 << 37) - 1)) * _MIX_2
        value = value ^ (value >> 31 & (1 << 33) - 1)
        return (value >> 32 & _PARTS - 1) < self._threshold

    def green(self, context: Sequence[int], tokens: ArrayLike) -> NDArray[np.bool_]:
        """Which of ``tokens`` (``np.arange(vocabulary)``, say) are green after ``context``."""
        seeds = np.array([self.seed(context)], np.int64)
        return np.asarray(self.greens(seeds, _signed(tokens)))


class Score(NamedTuple):
    """What the test found.

    Attributes:
        scored: different (context, token) pairs.
        green: how many of them are green.
        share: how many of them would be without a mark, as a share.
        z: standard deviations above that.
        p_value: of so many or more, exact; at least LEAST.
    """

    scored: int
    green: int
    share: float
    z: float
    p_value: float


def score(texts: Iterable[ArrayLike], watermark: Watermark, known: Iterable[ArrayLike] = ()) -> Score:
    """Test whether ``texts`` lean to green.

    Args:
        texts: of one suspect; each the ids of its tokens by the tokeniser of the model that writes the mark, or of
            its ``words`` where words are marked.
        watermark: whose mark.
        known: texts that the suspect had before it (prompts, say); a pair that is in one of them counts for nothing,
            because copying what is marked is not having learnt from it.
    """
    parts = [
        (_windows(text, watermark.width), from_suspect)
        for from_suspect, group in ((0, known), (1, texts))
        for text in group
    ]
    rows = np.concatenate([part for part, _ in parts]) if parts else np.empty((0, watermark.width + 1), np.int64)
    if not len(rows):
        return Score(0, 0, watermark.share, 0.0, 1.0)
    origin = np.repeat([from_suspect for _, from_suspect in parts], [len(part) for part, _ in parts])
    # The context is the slowest key and the origin the fastest: each pair's first row says whether it was known.
    order = np.lexsort((origin, rows[:, -1], *rows[:, :-1].T))
    rows, origin = rows[order], origin[order]
    differs = rows[1:] != rows[:-1]
    first = np.concatenate(([True], differs.any(axis=1)))
    begins = np.concatenate(([True], differs[:, :-1].any(axis=1)))
    taken = first & (origin == 1)
    seeds = np.array([watermark.seed(context) for context in rows[begins, :-1].tolist()], np.int64)
    green = watermark.greens(seeds[np.cumsum(begins)[taken] - 1], rows[taken, -1])
    return judge(int(taken.sum()), int(green.sum()), watermark.share)


def judge(scored: int, green: int, share: float) -> Score:
    """The test of ``green`` among ``scored`` independent pairs."""
    if not scored:
        return Score(0, 0, share, 0.0, 1.0)
    z = (green - scored * share) / (scored * share * (1 - share)) ** 0.5
    p_value = float(betainc(green, scored - green + 1, share)) if green else 1.0
    return Score(scored, green, share, z, max(p_value, LEAST))


def words(text: str) -> NDArray[np.int64]:
    """The hashes of the words of ``text``: tokens for a mark that is in words; case, accents and digits are folded."""
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    tokens, marks = np.empty(len(data) + 1, np.uint64), np.empty(len(data) + 1, np.uint8)
    return tokens[: tokenise(data, 0, len(data), tokens, marks)].view(np.int64)


def make(path: Path, **more: Any) -> Watermark:
    """Write a watermark with a new key into the file ``path``; see ``keyfile``."""
    return keyfile.make(path, Watermark, **more)


def read(path: Path) -> Watermark:
    """The watermark in the file ``path``; see ``keyfile``."""
    return keyfile.read(path, Watermark, "Make one: stillwatch gate watermark keygen")


def _signed(tokens: ArrayLike) -> NDArray[np.int64]:
    """``tokens`` as int64; hashes of 64 bits keep their bits."""
    found = np.asarray(tokens)
    return found.view(np.int64) if found.dtype == np.uint64 else found.astype(np.int64)


def _windows(text: ArrayLike, width: int) -> NDArray[np.int64]:
    """Each token of ``text`` with the ``width`` before it, one row each; those at the start have no context."""
    tokens = _signed(text)
    if len(tokens) <= width:
        return np.empty((0, width + 1), np.int64)
    return sliding_window_view(tokens, width + 1)
