"""Whether a server is a Stillwatch hub, which orders strictly and checks every signature."""

from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.transport import Transport


def is_hub(transport: Transport) -> bool:
    """Whether the server describes our interface beside TAXII."""
    try:
        answer = transport.request("GET", "/forum/v1/openapi.json", "application/json")
    except RefusedError:
        return False
    return b'"Stillwatch' in answer.body[:4096]
