"""What a detector is given: a window of prompts and a benign reference, in one representation for all."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prompts:
    """n prompts: unit ``vectors`` (n x d), ``forms`` (n form bits), ``oddity`` (n, DATE's score of each text)."""

    vectors: NDArray[np.float32]
    forms: NDArray[np.int32]
    oddity: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[np.int64]) -> "Prompts":
        return Prompts(self.vectors[rows], self.forms[rows], self.oddity[rows])

    def __add__(self, other: "Prompts") -> "Prompts":
        return Prompts(
            np.vstack([self.vectors, other.vectors]),
            np.concatenate([self.forms, other.forms]),
            np.concatenate([self.oddity, other.oddity]),
        )

    @cached_property
    def cosines(self) -> NDArray[np.float32]:
        """Of every pair, n x n."""
        return self.vectors @ self.vectors.T


@dataclass(frozen=True)
class Case:
    """One window to be judged against one reference."""

    reference: Prompts
    window: Prompts

    @cached_property
    def cosines(self) -> NDArray[np.float32]:
        """Window x reference."""
        return self.window.vectors @ self.reference.vectors.T
