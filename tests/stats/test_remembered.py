"""What is derived once: for each object, from any thread, and no longer than the object lives."""

import gc
from concurrent.futures import ThreadPoolExecutor

from stillwatch.stats.remembered import remembered


class Whole:
    def __init__(self, name: str) -> None:
        self.name = name


def test_each_object_is_derived_of_once_however_many_threads_ask() -> None:
    asked: list[str] = []

    @remembered
    def derive(whole: Whole) -> str:
        asked.append(whole.name)
        return whole.name.upper()

    wholes = [Whole("a"), Whole("b")]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(derive, wholes * 20))
    assert found == ["A", "B"] * 20
    assert sorted(asked) == ["a", "b"]


def test_nothing_is_kept_of_an_object_that_is_gone() -> None:
    derived: list[Whole] = []

    @remembered
    def derive(whole: Whole) -> list[Whole]:
        derived.append(Whole(whole.name))
        return derived[-1:]

    whole = Whole("a")
    first = derive(whole)
    assert derive(whole) is first
    del whole
    gc.collect()
    assert derive(Whole("a")) is not first
