"""As much of torch's tensors as the plugins use, over numpy: for machines without torch."""

from typing import Any

import numpy as np


class Tensor(np.ndarray):
    """An array with torch's names."""

    def new_tensor(self, values: Any) -> "Tensor":
        return np.asarray(values, self.dtype).view(Tensor)

    def amax(self, dim: int, keepdim: bool) -> "Tensor":
        return np.max(self, axis=dim, keepdims=keepdim)

    def nonzero(self, as_tuple: bool = False) -> tuple[Any, ...]:
        assert as_tuple
        return tuple(part.astype(np.int64).view(Tensor) for part in np.nonzero(np.asarray(self)))

    def clone(self) -> "Tensor":
        return self.copy()


def tensor(values: Any, dtype: Any = np.float32) -> Tensor:
    return np.asarray(values, dtype).view(Tensor)
