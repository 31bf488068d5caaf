from typing import Any

import numba
import pytest

from stillwatch.text import jit


def test_without_a_place_for_a_cache_a_function_is_still_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def nowhere(**options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", nowhere)

    def following(value: int) -> int:
        return value + 1

    assert jit.compiled(following)(41) == 42


def test_the_cache_is_named_for_all_that_is_compiled_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def named() -> str:
        def following(value: int) -> int:
            return value + 1

        jit.compiled(following)
        return following.__qualname__

    before = named()
    assert named() == before
    monkeypatch.setattr(jit, "_sources", lambda: "changed")
    assert named() != before
