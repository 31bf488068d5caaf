"""What gunicorn serves, in OpenTAXII's own environment: its application, able to write a UUID.

As released, 0.9.3 answers 500 to every TAXII 2.1 request whose answer holds an id, the status of a submission among
them, because the standard library's JSON cannot write the UUID that its database gives (its issue 243, mended in 2025
and not released). Without this there would be nothing to measure.
"""

import json
from types import SimpleNamespace

import opentaxii.taxii2.http
from opentaxii.http import app

opentaxii.taxii2.http.json = SimpleNamespace(dumps=lambda value: json.dumps(value, default=str))

__all__ = ["app"]
