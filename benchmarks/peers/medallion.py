"""medallion 3.0.0 with its memory backend, by its own command, as its README runs it."""

import json
from pathlib import Path

from benchmarks.peers.environment import environment
from benchmarks.peers.server import Served, free_port, start

_COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
_MEDIA = "application/stix+json;version=2.1"


def medallion(work: Path, folder: Path) -> Served:
    """Start it with an empty collection; its environment is under ``work``, its files go to ``folder``."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/forum/"
    collection = {
        "id": _COLLECTION,
        "title": "Indicators",
        "can_read": True,
        "can_write": True,
        "media_types": [_MEDIA],
    }
    root = {
        "information": {
            "title": "Forum",
            "versions": ["application/taxii+json;version=2.1"],
            "max_content_length": 2**27,
        },
        "status": [],
        "collections": [collection | {"objects": [], "manifest": []}],
    }
    data, config = folder / "medallion-data.json", folder / "medallion.json"
    data.write_text(json.dumps({"/discovery": {"title": "Forum", "default": url, "api_roots": [url]}, "forum": root}))
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": str(data)}
    config.write_text(
        json.dumps({"users": {"member": "password"}, "taxii": {"max_page_size": 1000}, "backend": backend})
    )
    command = [environment("medallion", work) / "medallion", "--port", str(port), config]
    process = start(command, port, folder / "medallion.log", {"PYTHONPATH": ""})
    return Served("medallion 3.0.0", f"{url}collections/{_COLLECTION}/", "member", "password", process)
