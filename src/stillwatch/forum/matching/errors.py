"""What private matching refuses."""

from stillwatch.errors import InputError, StillwatchError


class MatchingError(StillwatchError):
    """A step of private matching cannot be taken."""


class ElementError(InputError, MatchingError):
    """Bytes that are no element of the group, or its identity, or no scalar."""


class ProofError(MatchingError):
    """A keyholder did not evaluate with the key it announced."""


class QuotaError(MatchingError):
    """A member asked for more evaluations than its quota allows."""


class MessageError(InputError, MatchingError):
    """A message that is malformed, too large, unsigned, or of another session, epoch or stage."""


class ComparisonError(MatchingError):
    """The hub's account of what two members share does not hold."""
