"""A member's transport to a hub in the same process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stillwatch.forum.ledger import SigningKey
from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.state import Membership, State
from stillwatch.forum.member.taxii import Collection, Taxii
from stillwatch.forum.member.transport import Answer
from stillwatch.server.taxii import ROOT
from tests.forum.hub.made import Company
from tests.server.served import Served


class Direct:
    """What ``Transport`` does, without a network. ``spoil`` may change an answer on its way."""

    def __init__(self, served: Served, by: str) -> None:
        self.served, self.by = served, by
        self.spoil: Any = lambda path, body: body

    def request(
        self, method: str, url: str, media: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        headers = {"Accept": media, "Authorization": f"Bearer {self.served.tokens[self.by]}"}
        headers |= {"Content-Type": media} if body is not None else {}
        answer = self.served.client.request(method, url, params=dict(query or {}), headers=headers, content=body)
        if answer.status_code >= 300:
            raise RefusedError(answer.status_code, answer.text, where=url)
        return Answer(self.spoil(url, answer.content), dict(answer.headers))


def member(folder: Path, served: Served, by: str, company: Company | None) -> tuple[State, Taxii, Direct]:
    """A member that has joined, with the company's key if it is one that the hub knows."""
    state = State(folder, make=True)
    path = folder / "signing.key"
    (company.author.key if company else SigningKey()).write(path)
    identity = company.author.identity if company else ""
    state.join(Membership(ROOT, ROOT, hub=True, key=str(path), identity=identity, overlap=0.0))
    transport = Direct(served, by)
    taxii = Taxii(transport, ROOT)  # type: ignore[arg-type]
    found = taxii.collections()
    with state.writing() as db:
        for each in found:
            assert isinstance(each, Collection)
            row = (each.id, each.title, each.alias, int(each.can_read), int(each.can_write))
            db.execute("INSERT INTO collection (id, title, alias, can_read, can_write) VALUES (?, ?, ?, ?, ?)", row)
    return state, taxii, transport
