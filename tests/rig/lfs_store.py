"""GitHub's store for Git LFS, as far as a push and a pull need it: the batch API and plain transfers.

After git-lfs's own `docs/api/batch.md`. Does not imitate: locks, verification, quotas.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.rig.forge import Hosted
    from tests.rig.loopback import Handler

ROOT = "/info/lfs/objects"
JSON = "application/vnd.git-lfs+json"


def serve(handler: Handler, hosted: Hosted, rest: str, site: str) -> None:
    """Answer one request below a repository's `info/lfs`; its contents lie beside the forge's objects."""
    content = b"".join(handler.body())
    if handler.command == "POST" and rest == f"{ROOT}/batch":
        handler.answer(200, json.dumps(_batch(hosted, json.loads(content), site)), kind=JSON)
    elif handler.command == "PUT" and rest.startswith(f"{ROOT}/"):
        oid = rest.rpartition("/")[2]
        good = hashlib.sha256(content).hexdigest() == oid
        if good:
            hosted.large[oid] = content
        handler.answer(200 if good else 422)
    elif handler.command == "GET" and rest.rpartition("/")[2] in hosted.large:
        handler.answer(200, hosted.large[rest.rpartition("/")[2]], kind="application/octet-stream")
    else:
        handler.answer(404, json.dumps({"message": "Not Found"}), kind=JSON)


def _batch(hosted: Hosted, asked: Any, site: str) -> Any:
    place = f"{site}/{hosted.full_name}.git{ROOT}"
    return {
        "transfer": "basic",
        "objects": [_told(hosted, asked["operation"], one, place) for one in asked["objects"]],
    }


def _told(hosted: Hosted, operation: str, item: Any, place: str) -> Any:
    found = item["oid"] in hosted.large
    if operation == "upload":
        return item if found else {**item, "actions": {"upload": {"href": f"{place}/{item['oid']}"}}}
    if not found:
        return {**item, "error": {"code": 404, "message": "Object does not exist"}}
    return {**item, "actions": {"download": {"href": f"{place}/{item['oid']}"}}}
