"""The command ``stillwatch``."""

import os

# Linear algebra here is on small matrices, whose threads do nothing but wait for each other; set before NumPy loads.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from stillwatch.cli.main import main  # noqa: E402

__all__ = ["main"]
