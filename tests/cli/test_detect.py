from datetime import date

import pyarrow as pa

from stillwatch.campaigns import Programme
from stillwatch.cli.detect import _renamed
from stillwatch.ingest.pseudonym import Pseudonymiser


def test_an_authorised_programme_still_covers_its_accounts_under_pseudonyms() -> None:
    mask = Pseudonymiser(b"k" * 32)
    batch = pa.RecordBatch.from_pydict({"account_id": ["acc-1", "acc-2"], "organization_id": ["org-1", "org-9"]})
    one, two = mask.apply(batch).to_pylist()
    plain = Programme("evaluation", "a study", frozenset({"acc-1"}), frozenset({"org-9"}), date(2026, 12, 31))
    renamed = _renamed(plain, mask)
    assert renamed.until == plain.until
    assert renamed.names(one["account_id"], one["organization_id"])
    assert renamed.names(two["account_id"], two["organization_id"])
    assert not renamed.names("acc-1", "org-9")  # the log holds pseudonyms alone
    assert not plain.names(one["account_id"], one["organization_id"])
