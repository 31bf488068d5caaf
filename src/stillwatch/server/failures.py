"""Errors as the TAXII error resource (§3.6), for every path of the server."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from stillwatch.errors import StillwatchError
from stillwatch.forum.hub.errors import HubError
from stillwatch.server.operations import TAXII


class Failure(msgspec.Struct, omit_defaults=True):
    """Why a request was refused."""

    title: str
    description: str = ""
    http_status: str = ""


def failure(status: int, description: str, media: str = TAXII, headers: Mapping[str, str] | None = None) -> Response:
    """The response for a refusal."""
    title = HTTPStatus(status).phrase
    body = msgspec.json.encode(Failure(title, description, str(status)))
    return Response(body, status, dict(headers or {}), media)


def of(error: StillwatchError, media: str) -> Response:
    """The response for an error of the hub; of any other kind it says only that it is not the client's fault."""
    if isinstance(error, HubError):
        challenge = {"WWW-Authenticate": 'Bearer realm="stillwatch", Basic realm="stillwatch"'}
        return failure(error.status, str(error), media, challenge if error.status == 401 else None)
    return failure(503, "The hub cannot answer now. Try again.", media, {"Retry-After": "1"})
