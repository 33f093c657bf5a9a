"""`applied-dl check BUNDLE`: checksums, the outputs of every file on the golden examples, and the arrays of the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from applied_dl.core.bundle import read_manifest
from applied_dl.runtime.check import check as replay_files
from applied_dl.runtime.examples import replay_examples
from applied_dl.tasks import load_predict


def check_bundle(bundle: str | Path) -> dict[str, Any]:
    """Verify a bundle on this machine.

    Args:
        bundle: its folder.

    Returns:
        What `--json` prints: `bundle`, `ok`, `files` (one dict per TFLite file) and `encoded`, the number of raw inputs that the encoder
        turned into the arrays of the training; 0 for bundles that keep none.

    Raises:
        DataError: a file is missing or damaged.
        RefusedError: a file gives other outputs, or the encoder other arrays.
    """
    files = replay_files(bundle)
    encoded = replay_examples(Path(bundle), load_predict(read_manifest(bundle).task))
    return {"bundle": str(bundle), "ok": True, "files": files, "encoded": encoded}
