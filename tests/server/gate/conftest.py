import pytest

pytest.importorskip("uvicorn", reason="the extra forum is not installed")
