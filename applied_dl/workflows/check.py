"""`applied-dl check BUNDLE`: checksums, the outputs of every file on the golden examples, and the arrays of the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from applied_dl.core.bill import verify_bill
from applied_dl.core.bundle import open_bundle
from applied_dl.core.signing import verify
from applied_dl.runtime.check import replay
from applied_dl.runtime.examples import replay_examples
from applied_dl.tasks import load_predict


def check_bundle(bundle: str | Path, public_key: str | Path | None = None) -> dict[str, Any]:
    """Verify a bundle on this machine.

    Args:
        bundle: its folder.
        public_key: of the signer, in PEM form; no signature is verified by default.

    Returns:
        What `--json` prints: `bundle`, `ok`, `files` (one dict per TFLite file), `encoded`, the number of raw inputs that the encoder
        turned into the arrays of the training (0 for bundles that keep none), `bill`, whether a bill of materials agrees with the
        manifest, and `signed`, whether a signature was verified.

    Raises:
        DataError: a file is missing or damaged.
        RefusedError: a file gives other outputs, the encoder other arrays, or the signature does not hold.
    """
    folder = Path(bundle)
    manifest = open_bundle(folder)
    if public_key is not None:  # before anything of the bundle runs
        verify(folder, manifest, public_key)
    bill = verify_bill(folder, manifest)
    files = replay(folder, manifest)
    encoded = replay_examples(folder, load_predict(manifest.task))
    return {"bundle": str(bundle), "ok": True, "files": files, "encoded": encoded, "bill": bill, "signed": public_key is not None}
