"""The bundle on disk: a folder that can be copied anywhere, with a manifest and a sha256 of every file that is checked on load."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.records import rises
from applied_dl.core.schema_1 import upgraded

SCHEMA = 2
MANIFEST = "bundle.json"
EXPLANATION = "explain.tflite"  # the graph of contributions, in bundles whose net has one


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One exported file (or SavedModel folder) and the verification of it.

    Args:
        file: name in the bundle; empty where it could not be written.
        format: saved_model or tflite.
        variant: precision, or the name of a SavedModel signature.
        bytes: size.
        rows: held-out rows that it was verified on.
        metric: the task's main metric on these rows.
        metric_drop: how much worse than Keras: a difference for metrics between 0 and 1, a share for errors (`Scores.drop_against`),
            of the error on unseen rows where the model was fitted to all.
        metric_drop_interval: its 95% interval.
        max_abs_diff, max_rel_diff, median_abs_diff: differences between its outputs and those of Keras.
        ops: its operators.
        latency_ms, latency_p95_ms: median and 95th percentile of one row with one thread, milliseconds.
        threads, threaded_ms, threaded_p95_ms: the same with `threads` threads.
        cold_start_ms: from the file's bytes to the first output.
        memory_mb: growth of the process at its peak, megabytes.
        chosen: it was copied to `model.tflite`.
        refused: one sentence where it must not be used.
    """

    file: str
    format: str
    variant: str
    bytes: int
    rows: int | None = None
    metric: float | None = None
    metric_drop: float | None = None
    metric_drop_interval: tuple[float, float] | None = None
    max_abs_diff: float | None = None
    max_rel_diff: float | None = None
    median_abs_diff: float | None = None
    ops: list[str] = []
    latency_ms: float | None = None
    latency_p95_ms: float | None = None
    threads: int | None = None
    threaded_ms: float | None = None
    threaded_p95_ms: float | None = None
    cold_start_ms: float | None = None
    memory_mb: float | None = None
    chosen: bool = False
    refused: str = ""


EARLIER = ("recall_at_20", "ndcg_at_10", "miou", "dice", "boundary_f1")  # of bundles that do not state them


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `bundle.json`. Unknown keys are ignored; a `schema` newer than this version is refused."""

    schema: int
    task: str
    name: str
    recipe: dict[str, Any]
    created: str
    versions: dict[str, str]
    seed: int
    fingerprint: str
    rows: dict[str, int] = {}  # of the parts train, validation and test
    facts: dict[str, Any] = {}
    metrics: dict[str, dict[str, float | None]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    main: str = ""
    rising: tuple[str, ...] = EARLIER  # the task's own metrics of which a larger value is better
    baselines: dict[str, dict[str, float | None]] = {}
    exports: list[ExportedFile] = []
    seconds: float = 0.0
    warnings: list[str] = []
    files: dict[str, str] = {}
    digest: str = ""

    def rises(self, metric: str | None = None) -> bool:
        """Whether a larger value is better, of a metric or of the main one."""
        return rises(metric or self.main, self.rising)

    @property
    def chosen(self) -> ExportedFile | None:
        return next((e for e in self.exports if e.chosen and not e.refused), None)

    def variant(self, name: str | None) -> ExportedFile:
        """The TFLite file of a precision; the chosen one for None. Raises `UsageError` where the bundle lacks it."""
        if name is None:
            if self.chosen is None:
                raise DataError(f"The bundle {self.name!r} holds no TFLite file; export one with `applied-dl export`.")
            return self.chosen
        found = [e for e in self.exports if e.format == "tflite" and e.variant == name and not e.refused]
        if not found:
            have = [e.variant for e in self.exports if e.format == "tflite" and not e.refused]
            raise UsageError(f"The bundle {self.name!r} has no variant {name!r}; it has: {', '.join(have) or 'none'}.")
        return found[0]


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Hash every file of a finished folder and write its `bundle.json`."""
    files = {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file() and p.name != MANIFEST}
    raw = finite(msgspec.to_builtins(msgspec.structs.replace(manifest, files=files)))
    raw["digest"] = _digest(raw)
    (folder / MANIFEST).write_text(json.dumps(raw, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return msgspec.structs.replace(manifest, files=files, digest=raw["digest"])


def _digest(raw: dict[str, Any]) -> str:
    """sha256 of everything else in `bundle.json`, so that a changed metric or file name is noticed too."""
    rest = {key: value for key, value in raw.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_manifest(folder: str | Path) -> Manifest:
    """The manifest alone, with its schema checked but no file hashed."""
    path = Path(folder) / MANIFEST
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        what = "is not a bundle (it has no bundle.json)" if Path(folder).exists() else "does not exist"
        raise DataError(f"{str(folder)!r} {what}; expected a folder written by `applied-dl train`.") from None
    except NotADirectoryError:
        what = f"`applied-dl unpack {str(folder)!r} FOLDER` makes a folder of a packed bundle"
        raise DataError(f"{str(folder)!r} is a file; expected the folder of a bundle: {what}.") from None
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    try:
        plain = msgspec.json.decode(raw)
        manifest = msgspec.convert(without_open_intervals(upgraded(plain)) if isinstance(plain, dict) else plain, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{str(path)!r} is damaged: {error}.") from error
    if not 1 <= manifest.schema <= SCHEMA:
        raise DataError(f"{str(folder)!r} has bundle schema {manifest.schema}, this version reads 1 to {SCHEMA}; upgrade applied_dl.")
    if manifest.digest and manifest.digest != _digest(json.loads(raw)):
        raise DataError(f"{str(path)!r} does not match its own checksum; it is damaged or was changed. Copy the bundle again.")
    return manifest


def without_open_intervals(plain: dict[str, Any]) -> dict[str, Any]:
    """The manifest (a plain dict) without intervals that have no bounds: where a score cannot be computed, JSON holds null for them."""
    intervals, exports = plain.get("intervals"), plain.get("exports")
    if isinstance(intervals, dict):
        closed = {
            part: {name: pair for name, pair in of.items() if not _is_open(pair)} if isinstance(of, dict) else of
            for part, of in intervals.items()
        }
        plain = {**plain, "intervals": closed}
    if isinstance(exports, list):
        key = "metric_drop_interval"
        items = [{**item, key: None} if isinstance(item, dict) and _is_open(item.get(key)) else item for item in exports]
        plain = {**plain, "exports": items}
    return plain


def _is_open(interval: Any) -> bool:
    return isinstance(interval, list) and None in interval


def own_file(folder: Path, manifest: Manifest, name: str) -> Path:
    """The path of a file that the manifest lists, whose content `open_bundle` verifies. Raises `DataError` for any other."""
    if name not in manifest.files:
        raise DataError(f"The bundle {str(folder)!r} lists no file {name!r} in its bundle.json; it is damaged.")
    return Path(folder) / name


def checked_bytes(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The content of a file, after it matched its sha256. Raises `DataError` where it does not."""
    path = own_file(folder, manifest, name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The file {name!r} of the bundle {str(folder)!r} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != manifest.files[name]:
        raise DataError(f"{str(path)!r} does not match its checksum; the file is damaged or was changed. Copy the bundle again.")
    return content


def open_bundle(folder: str | Path, only: set[str] | None = None) -> Manifest:
    """Verify the sha256 of every file, before anything is parsed, and return the manifest.

    Args:
        folder: the bundle.
        only: names of the files to verify; all by default.

    Raises:
        DataError: a file is missing, damaged or outside the bundle.
    """
    folder, manifest = Path(folder), read_manifest(folder)
    for name, expected in manifest.files.items():
        if only is not None and name not in only:
            continue
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataError(f"{str(folder / MANIFEST)!r} names a file outside the bundle: {name!r}.")
        if not path.is_file():
            raise DataError(f"The bundle {str(folder)!r} lacks its file {name!r}; copy the whole folder again.")
        if sha256(path) != expected:
            raise DataError(f"{str(path)!r} does not match its checksum; the file is damaged or was changed. Copy the bundle again.")
    for name in only or ():
        own_file(folder, manifest, name)
    return manifest


def finite(value: Any) -> Any:
    """The value with NaN and infinity replaced by None, since JSON has neither."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
