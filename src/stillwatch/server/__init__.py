"""The hub over HTTP: TAXII 2.1, and what TAXII has no word for under ``/forum/v1``. Needs the extra ``forum``."""
