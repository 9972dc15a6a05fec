"""Keys of pieces and fingerprints of stages: hashes of all inputs."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY_CHARS = 32
"""128 bits of SHA-256: collisions are out of reach, names stay readable."""


def piece_key(inputs: Mapping[str, Any]) -> str:
    """The name of a piece: the hash of what it is made from.  `inputs` is JSON data; the order of keys is of no matter."""
    canonical = json.dumps(inputs, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_CHARS]
