"""SavedModel → TFLite in builtin ops only, in a process of its own: a converter that crashes cannot take a training down.

Run as `python -m applied_dl.export.convert JOB.json`; the job names the SavedModel, the variants and the representative rows. Each
file is written as soon as it is made, so a crash at one variant loses that one only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

VARIANTS = ("fp32", "fp16", "dynamic", "int8")
REPRESENTATIVE_ROWS = 256
TIMEOUT = 900  # seconds without a finished conversion before it is given up


def convert(saved_model: Path, folder: Path, variants: tuple[str, ...], representative: Path) -> dict[str, str]:
    """Write `<variant>.tflite` for each variant; the sentence of failure for those that could not be made.

    representative: an `.npz` with one array per input name, rows of the training part, for the int8 calibration.
    """
    failures: dict[str, str] = {}
    waiting = list(variants)
    while waiting:
        job = folder / "job.json"
        job.write_text(json.dumps({"saved_model": str(saved_model), "folder": str(folder), "variants": waiting,
                                   "representative": str(representative)}))
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(sys.path)}
        try:
            done = subprocess.run([sys.executable, "-m", "applied_dl.export.convert", str(job)], capture_output=True, text=True,
                                  timeout=TIMEOUT, env=environment)
            reason = f"the converter ended with code {done.returncode}: {_last_line(done.stderr)}"
        except subprocess.TimeoutExpired:
            reason = f"the converter did not finish within {TIMEOUT} s"
        job.unlink()
        for variant in list(waiting):
            failed = folder / f"{variant}.error"
            if (folder / f"{variant}.tflite").exists():
                waiting.remove(variant)
            elif failed.exists():
                failures[variant] = failed.read_text()
                waiting.remove(variant)
        if waiting:
            failures[waiting.pop(0)] = reason  # the one it was at; the others get another process
    return failures


def convert_here(saved_model: str, variant: str, representative: str) -> bytes:
    """One conversion in this process."""
    import numpy as np
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=["serving_default"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if variant != "fp32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if variant == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if variant == "int8":
        with np.load(representative, allow_pickle=False) as rows:
            arrays = {name: rows[name] for name in rows.files}

        def samples():
            for i in range(len(next(iter(arrays.values())))):
                yield {name: array[i:i + 1] for name, array in arrays.items()}

        converter.representative_dataset = samples
    return converter.convert()


def main(path: str) -> None:
    job = json.loads(Path(path).read_text())
    folder = Path(job["folder"])
    for variant in job["variants"]:
        target = folder / f"{variant}.tflite"
        try:
            data = convert_here(job["saved_model"], variant, job["representative"])
        except Exception as error:  # any refusal of the converter is a result, told to the caller in one line
            (folder / f"{variant}.error").write_text(_reason(str(error)))
            continue
        target.with_suffix(".part").write_bytes(data)
        target.with_suffix(".part").rename(target)


def _reason(text: str) -> str:
    """The telling line of a converter's complaint."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "failed to legalize" in line or "Some ops are not supported" in line or "error:" in line]
    return (telling or lines or ["no reason given"])[0][:300]


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"


if __name__ == "__main__":
    main(sys.argv[1])
