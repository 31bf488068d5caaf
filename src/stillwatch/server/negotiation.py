"""Content negotiation: what a client accepts and what it sends (TAXII 2.1 §1.6.8, RFC 9110 §12.5.1)."""

from email.message import Message

from stillwatch.server.operations import TAXII


def _parsed(media: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["content-type"] = media
    parameters = message.get_params(failobj=[]) or []
    return message.get_content_type(), {name.lower(): value for name, value in parameters[1:]}


def accepts(header: str | None, media: str) -> bool:
    """Whether an ``Accept`` header admits ``media``; none, or an empty one, admits all."""
    if header is None or not header.strip():
        return True
    wanted, _ = _parsed(media)
    for part in header.split(","):
        kind, parameters = _parsed(part)
        range_ = part.split(";")[0].strip().lower()
        if parameters.get("q", "1").strip() in {"0", "0.0", "0.00", "0.000"}:
            continue
        if range_ in {"*/*", "application/*"}:
            return True
        if range_ == wanted == kind and (media != TAXII or parameters.get("version", "2.1") == "2.1"):
            return True
    return False


def is_media(header: str | None, media: str) -> bool:
    """Whether a ``Content-Type`` header is ``media``; TAXII's may leave its version out."""
    if header is None:
        return False
    kind, parameters = _parsed(header)
    wanted, _ = _parsed(media)
    if header.split(";")[0].strip().lower() != wanted or kind != wanted:
        return False
    if media == TAXII:
        return parameters.get("version", "2.1") == "2.1"
    return parameters.get("charset", "utf-8").lower() == "utf-8"
