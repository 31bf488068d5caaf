"""What is derived of an object once, however many ask for it and from whichever thread."""

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

Whole = TypeVar("Whole")
Derived = TypeVar("Derived")


def remembered(derive: Callable[[Whole], Derived]) -> Callable[[Whole], Derived]:
    """``derive`` that works once for each object, as long as that lives: many are compared with one and the same rest.

    The object is told from others by identity or by its own equality, and must allow weak references.
    """
    known: WeakKeyDictionary[Whole, Derived] = WeakKeyDictionary()
    lock = Lock()  # so that a second thread waits for the first one's result

    @wraps(derive)
    def recall(whole: Whole) -> Derived:
        with lock:
            if whole not in known:
                known[whole] = derive(whole)
            return known[whole]

    return recall
