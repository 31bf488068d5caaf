"""Why the hub refuses a request; the server gives each its HTTP status."""

from stillwatch.errors import StillwatchError


class HubError(StillwatchError):
    """Root of the hub's refusals."""

    status = 400


class Malformed(HubError):
    """The request is not what the interface asks for."""


class Unauthenticated(HubError):
    """Nobody, or nobody whom the hub knows."""

    status = 401


class Forbidden(HubError):
    """Known, and not allowed to."""

    status = 403


class Absent(HubError):
    """There is no such thing, or none that the caller may know of."""

    status = 404


class Conflict(HubError):
    """It was done or decided already, otherwise."""

    status = 409


class TooLarge(HubError):
    """More than the hub takes."""

    status = 413


class Unprocessable(HubError):
    """Read, and makes no sense."""

    status = 422


class Exhausted(HubError):
    """More than the caller's quota allows for now."""

    status = 429
