"""What private matching refuses."""

from stillwatch.errors import InputError, StillwatchError


class MatchingError(StillwatchError):
    """A step of private matching cannot be taken."""


class BadElement(InputError, MatchingError):
    """Bytes that are no element of the group, or its identity, or no scalar."""


class BadProof(MatchingError):
    """A keyholder did not evaluate with the key it announced."""


class QuotaExceeded(MatchingError):
    """A member asked for more evaluations than its quota allows."""


class BadMessage(InputError, MatchingError):
    """A message that is malformed, too large, unsigned, or of another session, epoch or stage."""


class BadComparison(MatchingError):
    """The hub's account of what two members share does not hold."""
