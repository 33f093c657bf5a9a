"""python -m benchmarks.forecast.files: the exported file of a forecaster: bytes, latency of a window, difference from Keras, operators.

The offline default and ETTh1's default blend as they are trained; every other family on ETTh1's seven channels at the default horizon
(48 steps from 512) after one epoch, for size, latency and difference do not wait for accuracy.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.forecast.common import SHARED, write
from benchmarks.runner import Row, read

MODELS = ("ridge", "blend", "linear", "dlinear", "cyclenet", "gru", "lstm", "seq2seq", "tcn", "tsmixer", "tide", "patchtst", "itransformer",
          "nbeats")  # fmt: skip


def summary(found: dict) -> list[Row]:
    """The default's fp32 file, the default blend's on seven channels, and the largest difference of all."""
    rows = []
    for name, text in (("default", "Offline default forecaster"), ("ridge", "ETTh1, ridge"), ("blend", "ETTh1, default blend")):
        one = found[name]
        measured = (
            f"{one['bytes'] / 1000:.0f} kB fp32, {one['latency_ms']:.3f} ms per window, relative difference {one['max_rel_diff']:.1e}"
        )
        met = one["bytes"] <= 150_000 and one["latency_ms"] <= 0.1 and one["max_rel_diff"] <= 1e-4
        beside = f"chosen: {one['chosen']}, {one['chosen_bytes'] / 1000:.0f} kB"
        rows.append(Row(f"{text}: TFLite file", measured, "≤ 150 kB, ≤ 0.1 ms, ≤ 1e-4", met if name != "ridge" else None, beside))
    worst = max((found[name]["max_rel_diff"], name) for name in MODELS if name in found)
    rows.append(
        Row(f"{len(MODELS)} forecasters: largest relative difference of fp32", f"{worst[0]:.1e} ({worst[1]})", "≤ 1e-4", worst[0] <= 1e-4)
    )
    return rows


def details(found: dict) -> list[str]:
    """One line per model."""
    lines = ["| forecaster | bytes, fp32 | ms per window, one thread | relative difference | chosen | bytes |", "|---|---|---|---|---|---|"]
    for name in ("default", *MODELS):
        if name in found:
            one = found[name]
            lines.append(f"| {name} | {one['bytes']:,} | {one['latency_ms']:.3f} | {one['max_rel_diff']:.1e} | {one['chosen']} | "
                         f"{one['chosen_bytes']:,} |")  # fmt: skip
    return lines


def measure(sections: dict) -> dict:
    """The fp32 file of a recipe, its best latency of three timings, and the chosen one."""
    import applied_dl
    from applied_dl.runtime.bench import bench

    with tempfile.TemporaryDirectory() as folder:
        run = applied_dl.train({"task": "forecast"}, out=Path(folder) / "b", **sections)
        files = {item.variant: item for item in run.manifest.exports if item.format == "tflite"}
        chosen, plain = run.manifest.chosen, files["fp32"]
        rows = [row for _ in range(3) for row in bench(run.bundle) if row["variant"] == "fp32" and row["threads"] == 1]
    return {"bytes": plain.bytes, "latency_ms": round(min(row["p50_ms"] for row in rows), 4), "max_rel_diff": plain.max_rel_diff,
            "ops": plain.ops, "refused": plain.refused, "chosen": chosen.variant, "chosen_bytes": chosen.bytes,
            "losses": {variant: item.metric_drop for variant, item in files.items()}}  # fmt: skip


def main() -> None:
    found = read("forecast_files") or {}
    found.pop("machine", None)
    data = {"source": str(SHARED / "ett" / "ETTh1.csv.gz"), "rows": 4000}
    for name in sys.argv[1].split(",") if len(sys.argv) > 1 else ("default", *MODELS):
        sections: dict = {"data": data, "model": {"name": name}, "export": {"formats": ["tflite"]}}
        if name == "default":
            sections = {}
        elif name == "blend":  # its weights decide which members are in the file: trained as it is by default
            sections = {"data": {**data, "rows": 14400}, "export": {"formats": ["tflite"]}}
        elif name != "ridge":
            sections["train"] = {"epochs": 1}
        found[name] = measure(sections)
        write("forecast_files", found)


if __name__ == "__main__":
    main()
