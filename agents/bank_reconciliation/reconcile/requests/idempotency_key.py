"""Idempotency keys that a repeated run computes again, so that it finds its own requests."""

import hashlib
import json
import re
from collections.abc import Sequence

from reconcile.shared.evidence import Evidence


def idempotency_key(workflow: str, ident: str, seen: Sequence[object], evidence: tuple[Evidence, ...]) -> str:
    """Return the key of what is asked about *ident* in *workflow*: the same inputs give the same key."""
    # Everything that is sent is in the key: changed inputs are a new request, not a conflict with an old one.
    content = json.dumps([*map(str, seen), *map(str, evidence)]).encode()
    readable = re.sub(r"[^!-~]", "_", ident)[:100]
    return f"{workflow}:{readable}:{hashlib.sha256(content).hexdigest()[:12]}"
