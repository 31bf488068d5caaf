"""Why the member's side cannot go on."""

from stillwatch.errors import StillwatchError


class MemberError(StillwatchError):
    """Root of the member's side's errors."""


class UnreachableError(MemberError):
    """The server did not answer, however often it was asked."""


class RefusedError(MemberError):
    """The server answered that it will not.

    Args:
        status: the HTTP status.
        what: what the server said.
        where: the request.
        do: what the reader can do about it.
    """

    def __init__(self, status: int, what: str, *, where: str = "", do: str = "") -> None:
        super().__init__(what, where=where, do=do)
        self.status = status


class SenselessError(MemberError):
    """The server's answer is not what the standard says it is."""
