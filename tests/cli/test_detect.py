from datetime import UTC, date, datetime

import pyarrow as pa

from stillwatch.campaigns import Programme
from stillwatch.cli.detect import _renamed
from stillwatch.ingest.pseudonym import Pseudonymiser


def test_an_authorised_programme_still_covers_its_accounts_under_pseudonyms() -> None:
    mask = Pseudonymiser(b"k" * 32)
    batch = pa.RecordBatch.from_pydict({"account_id": ["acc-1", "acc-2"], "organization_id": ["org-1", "org-9"]})
    one, two = mask.apply(batch).to_pylist()
    plain = Programme("evaluation", "a study", frozenset({"acc-1"}), frozenset({"org-9"}), date(2026, 12, 31))
    renamed, at = _renamed(plain, mask), datetime(2026, 7, 1, tzinfo=UTC)
    assert renamed.covers(one["account_id"], one["organization_id"], at)
    assert renamed.covers(two["account_id"], two["organization_id"], at)
    assert not renamed.covers(one["account_id"], None, datetime(2027, 1, 1, tzinfo=UTC))
    assert not renamed.covers("acc-1", "org-9", at)  # the log holds pseudonyms alone
    assert not plain.covers(one["account_id"], one["organization_id"], at)
