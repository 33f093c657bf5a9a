"""Compare two bundles: `python tests/compare_bundles.py A B` ends with 1 where their weights or metrics differ in a single bit.

Weights are the arrays of `model.keras`, whatever the layers are called; so a change that only moves or renames code can be shown to
have left the trained models as they were.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path


def weights(bundle: Path) -> list[bytes]:
    """The arrays of `model.keras` as bytes with their shape, in a fixed order that names do not decide."""
    import h5py
    import numpy as np

    found: list[bytes] = []

    def keep(_, item) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(repr((item.shape, str(item.dtype))).encode() + np.asarray(item).tobytes())

    with zipfile.ZipFile(bundle / "model.keras") as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(keep)
    return sorted(found)


def differences(a: Path, b: Path) -> list[str]:
    """What differs between two bundles, one sentence each; empty where nothing does."""
    differing = []
    one, other = (json.loads((path / "bundle.json").read_text()) for path in (a, b))
    if one["metrics"] != other["metrics"]:
        differing.append(f"metrics: {one['metrics']} and {other['metrics']}")
    first, second = weights(a), weights(b)
    if first != second:
        differing.append(f"weights: {len(first)} and {len(second)} arrays, {len(set(first) & set(second))} of them equal")
    return differing


def main(a: str, b: str) -> int:
    found = differences(Path(a), Path(b))
    print("\n".join(found) or f"{a} and {b}: the same weights and metrics")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
