"""Log files of any known format -> the canonical request log; bad rows to rejects."""

from stillwatch.ingest.interface import Ingested, Progress, Reader
from stillwatch.ingest.run import ingest, ingest_accounts

__all__ = ["Ingested", "Progress", "Reader", "ingest", "ingest_accounts"]
