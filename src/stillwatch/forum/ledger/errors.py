"""What can be wrong with a log, a proof, a note or a signature."""

from stillwatch.errors import InputError


class LedgerError(InputError):
    """A log, a note or an entry cannot be read, or is not what it says it is."""


class ProofError(LedgerError):
    """A proof does not prove what it should: the log, or whoever passed it on, is lying or broken."""


class SignatureError(LedgerError):
    """A signature is missing, malformed, by nobody who is trusted, or wrong."""
