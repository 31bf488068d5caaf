"""Log files of any known format -> the canonical request log; bad rows to rejects."""

from stillwatch.ingest.interface import ACCOUNT_TABLE, REQUEST_LOG, Ingested, Progress, Reader
from stillwatch.ingest.run import combine, ingest, ingest_accounts

__all__ = ["ACCOUNT_TABLE", "REQUEST_LOG", "Ingested", "Progress", "Reader", "combine", "ingest", "ingest_accounts"]
