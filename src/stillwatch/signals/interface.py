"""What a signal takes and gives. A file a signal; each says its statistic, null, source, innocent causes, evasions."""

from typing import Protocol

from stillwatch.engine import Engine
from stillwatch.schema.evidence import Activity, Family, Kind, Reading


class TraitSignal(Protocol):
    """Measures something of every account, in the engine, and gives it as traits (``schema.evidence.TRAITS``).

    Tables it may read: ``requests`` (schema.requests.REQUESTS with schema.prints.PRINTS added), ``accounts``
    (schema.requests.ACCOUNTS), ``account_activity`` (one row an account, see ``signals.activity``) and
    ``anchors`` / ``templates`` (see ``signals.templates``).
    """

    @property
    def name(self) -> str:
        """Stable identifier."""

    @property
    def needs(self) -> frozenset[str]:
        """Columns, e.g. ``requests.client_ip``; if one is absent or wholly null the signal abstains.

        Of columns written ``a|b`` one is enough.
        """

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of trait that it gives."""

    def query(self, engine: Engine) -> str:
        """SQL whose rows are TRAITS (account_id, kind, value, n); it may save helper tables in the engine first."""


class ClusterSignal(Protocol):
    """Tests one cluster as one actor, against the rest of the traffic."""

    @property
    def name(self) -> str:
        """Stable identifier."""

    @property
    def family(self) -> Family:
        """The family its evidence belongs to."""

    @property
    def needs(self) -> frozenset[str]:
        """As ``TraitSignal.needs``."""

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """Reading of ``cluster``; ``rest`` is a sample of whole accounts outside it (at most about 200 k requests).

        The p-value must be valid when the cluster is a group of unrelated or naturally related customers; it may
        be conservative. The method is deterministic given its arguments. Runs on up to 2 M requests in seconds.
        """
