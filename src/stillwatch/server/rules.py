"""The operator's own policy for the guard: read once, and tried by its own examples before anything is judged by it."""

import logging
from dataclasses import dataclass
from pathlib import Path

from stillwatch.errors import InputError
from stillwatch.forum.guard.chapters import source_text
from stillwatch.forum.guard.examples import try_examples
from stillwatch.forum.guard.policy import Policy, read, shipped

_LOG = logging.getLogger("stillwatch.server")


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy, and the text it was read from: the file may change under a hub that runs. None: the shipped one."""

    policy: Policy
    text: bytes | None = None


def read_rules(path: Path | None) -> Rules:
    """The policy in a file or folder, or the shipped one.

    Raises:
        InputError: it cannot be read, does not hold together, has no examples, or not all of them come out as meant.
        OSError: it is not there.
    """
    if path is None:
        return Rules(shipped())
    text = source_text(path)
    policy = read(text, str(path))
    tried = try_examples(policy)
    failed = [each.name for each in tried if not each.passed]
    if failed or not tried:
        what = f"{len(failed)} of {len(tried)} examples fail: {', '.join(failed[:5])}" if tried else "has no examples"
        raise InputError(what, where=str(path), do="Run `stillwatch guard test --policy` and correct it")
    if not policy.approved:
        _LOG.warning("%s: no counsel has signed it off", policy.name)
    return Rules(policy, text)


def from_text(text: bytes | None) -> Policy:
    """The policy of ``Rules.text``, in another process."""
    return read(text, "policy") if text is not None else shipped()
