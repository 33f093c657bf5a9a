"""SavedModel → TFLite in builtin ops only, in a process of its own: a converter that crashes cannot take a training down.

The process (`python -m applied_dl.exporting.convert`) reads one job file name a line and stays for the next job, so TensorFlow is imported
once; `warm_up` starts it while the model still trains. Each file is written as soon as it is converted: a crash loses one variant only,
and the others get a new process.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from applied_dl.core.errors import UsageError, nearest
from applied_dl.core.parallel import end_with

FORMATS = ("saved_model", "tflite")
VARIANTS = ("fp32", "fp16", "dynamic", "int8_weights", "int8")  # int8_weights is written from the fp32 file, by `weight_only`
SERVING = "serving_default"  # the signature of the model itself
REPRESENTATIVE_ROWS = 256
TIMEOUT = 900  # seconds for one job before it is given up

_process: subprocess.Popen | None = None
_log = None


def check_export(settings) -> None:
    """Refuse unknown formats and variants before anything is trained."""
    for known, names in ((FORMATS, settings.formats), (VARIANTS, settings.variants)):
        for unknown in set(names) - set(known):
            raise UsageError(f"Unknown export {unknown!r}.{nearest(unknown, known)}")


def environment() -> dict[str, str]:
    """Environment variables of a child process that imports this package and its dependencies from any working directory."""
    here = [os.path.abspath(path or os.curdir) for path in sys.path]
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(here)}


def warm_up() -> subprocess.Popen:
    """The converter process; it is started where none is running."""
    global _process, _log
    if _process is None or _process.poll() is not None:
        _log = tempfile.TemporaryFile()
        _process = subprocess.Popen(
            [sys.executable, "-m", "applied_dl.exporting.convert"],
            stdin=subprocess.PIPE,
            stdout=_log,
            stderr=_log,
            env=environment(),
            start_new_session=True,
        )
        atexit.register(_stop, _process, _log)
    return _process


def _stop(process: subprocess.Popen, log) -> None:
    process.kill()
    process.communicate()
    log.close()


def convert(saved_model: Path, folder: Path, variants: tuple[str, ...], representative: Path, signature: str = SERVING) -> dict[str, str]:
    """Write `<variant>.tflite` into `folder` for each variant.

    Args:
        saved_model: folder of a SavedModel.
        folder: where the files go.
        variants: precisions, of `VARIANTS` without int8_weights.
        representative: an `.npz` file with one array (N, …) per input name, training rows for the int8 calibration.
        signature: of the SavedModel, which is converted alone.

    Returns:
        One sentence for each variant that could not be converted.
    """
    failures: dict[str, str] = {}
    waiting = list(variants)
    paths = {"saved_model": saved_model, "folder": folder, "representative": representative}
    job = {**{name: str(path.resolve()) for name, path in paths.items()}, "signature": signature}  # the converter runs in another folder
    while waiting:
        reason = _run_job({**job, "variants": waiting}, (folder / "job.json").resolve())
        for variant in list(waiting):
            failed = folder / f"{variant}.error"
            if (folder / f"{variant}.tflite").exists():
                waiting.remove(variant)
            elif failed.exists():
                failures[variant] = failed.read_text()
                waiting.remove(variant)
        if waiting:
            failures[waiting.pop(0)] = reason  # the one at work when it ended; the others get another process
    return failures


def _run_job(job: dict, path: Path) -> str:
    """Send a job to the converter process and wait for it. Returns why a variant may be missing afterwards."""
    process, done = warm_up(), path.with_suffix(".done")
    done.unlink(missing_ok=True)
    path.write_text(json.dumps(job))
    try:
        process.stdin.write(f"{path}\n".encode())
        process.stdin.flush()
    except OSError:
        return f"the converter did not start: {_last_line()}"
    deadline = time.monotonic() + TIMEOUT
    while not done.exists():
        if process.poll() is not None:
            return f"the converter ended with code {process.returncode}: {_last_line()}"
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            return f"the converter did not finish within {TIMEOUT} s"
        time.sleep(0.02)
    return "the converter wrote no file"


def _last_line() -> str:
    _log.seek(0)
    lines = [line for line in _log.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"


def convert_here(saved_model: str, variant: str, representative: str, signature: str = SERVING) -> bytes:
    """One conversion in this process."""
    import numpy as np
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[signature])
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
                yield {name: array[i : i + 1] for name, array in arrays.items()}

        converter.representative_dataset = samples
    return converter.convert()


def work(path: Path) -> None:
    """Do one job: write a `.tflite` or an `.error` file for each variant."""
    job = json.loads(path.read_text())
    folder = Path(job["folder"])
    for variant in job["variants"]:
        target = folder / f"{variant}.tflite"
        try:
            data = convert_here(job["saved_model"], variant, job["representative"], job["signature"])
        except Exception as error:  # whatever the converter raises is a result, reported to the caller in one line
            (folder / f"{variant}.error").write_text(_reason(str(error)))
            continue
        target.with_suffix(".part").write_bytes(data)
        target.with_suffix(".part").rename(target)
    path.with_suffix(".done").touch()


def main() -> None:
    """Do one job per line of stdin, until the caller closes it or ends."""
    end_with(os.getppid())  # also in the middle of a job, which nobody waits for any more
    import tensorflow  # noqa: F401  (imported before the first job arrives)

    for line in sys.stdin:
        work(Path(line.strip()))


def _reason(text: str) -> str:
    """The informative line of a converter's message, which may be pages long."""
    match = re.search(r"failed to legalize operation '[^']+'|'[^']+' op is neither a custom op nor a flex op", text)
    words = match.group() if match else next((line.strip() for line in text.splitlines() if line.strip()), "the converter gave no reason")
    return words.split(" : ")[0][:200]


if __name__ == "__main__":
    main()
