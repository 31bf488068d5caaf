"""``stillwatch forum witness``: cosign a hub's checkpoints, having seen that its log only grows."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillwatch.errors import InputError, MissingExtra, UsageError

if TYPE_CHECKING:
    from stillwatch.forum.ledger.keys import SigningKey
    from stillwatch.forum.ledger.note import Note, Verifier
    from stillwatch.forum.ledger.witnessed import Witnessed

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_SECONDS = 30
#: Bytes of a hub's answer at most.
_LONGEST = 128 << 10


class HubUnreachableError(InputError):
    """The hub does not answer, which a witness that goes on may try again; a log that was rewritten is no such case."""


@click.command("witness")
@click.option("--log-key", required=True, help="The log's public key, as keygen printed it: NAME+HASH+KEY.")
@click.option("--name", required=True, help="The witness's name: a URL without its scheme.")
@click.option("--key", type=_FILE, required=True, help="The witness's private key, used for nothing else.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to remember in.")
@click.option("--hub", help="URL of the hub: fetch its checkpoint from there, and send the cosignature back.")
@click.option("--token", type=_FILE, help="File of mode 0600 with a token of the hub, where it asks for one.")
@click.option("--request", type=_FILE, help="File with a request to cosign, in place of --hub.")
@click.option("--every", type=click.IntRange(min=1), metavar="SECONDS", help="With --hub: go on, every so often.")
def witness(
    log_key: str,
    name: str,
    key: Path,
    state: Path,
    hub: str | None,
    token: Path | None,
    request: Path | None,
    every: int | None,
) -> None:
    """Verify that a log continues what was seen of it last, remember it, cosign it.

    With --request, the cosignature goes to standard output. A log that was rewritten is exit status 1, and nothing is
    signed. With --every, a hub that does not answer is asked again.
    """
    from stillwatch.forum.ledger import load_key, parse_verifier
    from stillwatch.forum.ledger.witness import parse_request
    from stillwatch.forum.ledger.witnessed import Witnessed

    if (hub is None) == (request is None) or (every and not hub):
        raise UsageError("takes either --hub or --request", do="--every goes with --hub")
    log, signing, seen = parse_verifier(log_key), load_key(key), Witnessed(state)
    if request is not None:
        with request.open("rb") as file:
            asked = parse_request(_text(file.read(_LONGEST + 1), str(request)))
        click.echo(_lines(seen.cosign(asked, log, name, signing, int(time.time())), name), nl=False)
        return
    while True:
        try:
            size = _round(str(hub), token, seen, log, name, signing)
            click.echo(f"cosigned {log.name} at {size}", err=True)
        except HubUnreachableError as error:
            if not every:
                raise
            click.echo(f"stillwatch: {error}", err=True)
        if not every:
            return
        time.sleep(every)


def _round(hub: str, token: Path | None, seen: "Witnessed", log: "Verifier", name: str, key: "SigningKey") -> int:
    """Fetch what the hub wants cosigned, cosign it, send it back; gives the log's size."""
    try:
        import httpx
    except ImportError:
        raise MissingExtra("httpx", "forum") from None
    from stillwatch.forum.ledger.checkpoint import read
    from stillwatch.forum.ledger.keys import read_secret
    from stillwatch.forum.ledger.witness import parse_request

    known = seen.seen(log)
    headers = {"Authorization": f"Bearer {_text(read_secret(token), str(token)).strip()}"} if token else {}
    place = hub.rstrip("/") + "/forum/v1/ledger/"
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False, headers=headers) as client:
            with client.stream("GET", place + "request", params={"old": known.size if known else 0}) as answer:
                answer.raise_for_status()
                asked = _within(answer.iter_bytes(), hub)
            signed = seen.cosign(parse_request(asked), log, name, key, int(time.time()))
            size = read(signed.text).size
            sent = client.post(
                place + "cosignatures",
                params={"size": size},
                content=_lines(signed, name).encode(),
                headers={"Content-Type": "text/plain; charset=utf-8"},
            )
            sent.raise_for_status()
    except httpx.HTTPError as error:
        raise HubUnreachableError(f"does not answer as a hub does: {error}", where=hub) from None
    return size


def _within(pieces: Iterator[bytes], where: str) -> str:
    raw = bytearray()
    for piece in pieces:
        raw += piece
        if len(raw) > _LONGEST:
            break
    return _text(bytes(raw), where)


def _text(raw: bytes, where: str) -> str:
    if len(raw) > _LONGEST:
        raise InputError(f"is more than {_LONGEST} bytes", where=where)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError("is not UTF-8", where=where) from None


def _lines(signed: "Note", name: str) -> str:
    """The witness's own signature lines."""
    return "".join(f"{each}\n" for each in signed.signatures if each.name == name)
