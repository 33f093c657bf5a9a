"""python -m benchmarks.segment.camvid [SEED…]: the default on CamVid (11 classes, 320 × 240, official split), with its exported files

367 training, 101 validation and 233 test images; the classes and void are those of the archive. The baselines are fitted in the same run.
Runs that an earlier call left in the result stay, unless they are made again.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import runner
from benchmarks.runner import SHARED, Row, format_mean

NAME = "segment_camvid"
SOURCE = SHARED / "segmentation" / "camvid" / "camvid_320x240.zip"
GOAL, CPU_SECONDS, INT8_BYTES, INT8_DROP = 0.50, 2 * 25 * 60, 2_000_000, 0.01  # 25 minutes of two cores
METRICS = ("miou", "dice", "accuracy", "boundary_f1")


def summary(found: dict) -> list[Row]:
    """Mean IoU of the default beside the baselines, its time, and what int8 costs."""
    runs = [found["runs"][key] for key in sorted(found["runs"])]
    first = runs[0]
    ious = [run["test"]["miou"] for run in runs]
    beside = ", ".join(f"{name} {scores['miou']:.3f}" for name, scores in first["baselines"].items())
    cpu = max(run["cpu_seconds"] for run in runs)
    row = Row("CamVid, 11 classes, 320 × 240: test mIoU", format_mean(ious), f"≥ {GOAL}", sum(ious) / len(ious) >= GOAL, beside)
    clock = ", ".join(f"{run['fit_seconds'] / 60:.0f} min by the clock at a load of {run['load']:.0f}" for run in runs)
    timed = Row("CamVid: the whole command", f"{cpu:.0f} CPU-seconds", f"≤ {CPU_SECONDS} (25 min of two cores)", cpu <= CPU_SECONDS, clock)
    int8 = next((item for item in first["exports"] if item["variant"] == "int8" and item["format"] == "tflite"), None)
    if int8 is None:
        return [row, timed]
    met = int8["bytes"] <= INT8_BYTES and int8["metric_drop"] <= INT8_DROP and not int8["refused"]
    cost = f"{int8['bytes'] / 1e6:.2f} MB, mIoU {int8['metric']:.4f}, drop {int8['metric_drop']:+.4f}"
    return [row, timed, Row("CamVid: the int8 file", cost, "≤ 2 MB, drop ≤ 0.01", met, f"fp32 mIoU {first['test']['miou']:.4f}")]


def details(found: dict) -> list[str]:
    """Every run, every file and every class of the first run."""
    runs = {key: found["runs"][key] for key in sorted(found["runs"])}
    lines = ["| seed | mIoU | 95% | Dice | pixel accuracy | boundary F1 | epochs | training |", "|---|---|---|---|---|---|---|---|"]
    for seed, run in runs.items():
        low, high = run["intervals"]["miou"]
        scores = " | ".join(f"{run['test'][name]:.3f}" for name in METRICS[1:])
        lines.append(
            f"| {seed} | {run['test']['miou']:.4f} | {low:.3f} to {high:.3f} | {scores} | {run['epochs']} | {run['fit_seconds']:.0f} s |"
        )
    first = next(iter(runs.values()))
    lines += ["", "| file | bytes | mIoU | drop | ms |", "|---|---|---|---|---|"]
    for item in first["exports"]:
        ms = "" if item["latency_ms"] is None else f"{item['latency_ms']:.1f}"
        size = "" if item["bytes"] is None else f"{item['bytes']:,}"
        refused = f" (refused: {item['refused']})" if item["refused"] else ""
        metric = "" if item["metric"] is None else f"{item['metric']:.4f} | {item['metric_drop']:+.4f}"
        lines.append(f"| {item['format']} {item['variant']}{refused} | {size} | {metric or ' | '} | {ms} |")
    lines += ["", "| class | IoU | Dice | 95% |", "|---|---|---|---|"]
    for name, one in first["per_class"].items():
        lines.append(f"| {name} | {one['iou']:.3f} | {one['dice']:.3f} | {one['dice_low']:.3f} to {one['dice_high']:.3f} |")
    return lines


def measure(seed: int) -> dict:
    """One default training by the command's own way, and what its bundle says."""
    import applied_dl

    with tempfile.TemporaryDirectory() as folder:
        cpu = time.process_time()
        run = applied_dl.train({"task": "segment", "data": {"source": str(SOURCE)}, "train": {"seed": seed}}, out=Path(folder) / "camvid")
        manifest, cpu = run.manifest, time.process_time() - cpu
        rows = (run.bundle / "history.csv").read_text().splitlines()
        column = rows[0].split(",").index("seconds")
        return {
            "test": {name: round(manifest.metrics["test"][name], 5) for name in METRICS},
            "validation": {name: round(manifest.metrics["validation"][name], 5) for name in METRICS},
            "intervals": {name: [round(v, 5) for v in manifest.intervals["test"][name]] for name in METRICS},
            "baselines": {name: {k: round(v, 5) for k, v in scores.items()} for name, scores in manifest.baselines.items()},
            "per_class": manifest.facts["per_class"],
            "epochs": len(rows) - 1,
            "fit_seconds": round(sum(float(row.split(",")[column]) for row in rows[1:]), 1),
            "cpu_seconds": round(cpu, 1),
            "seconds": manifest.seconds,
            "load": round(os.getloadavg()[2], 1),
            "exports": [
                {
                    key: getattr(item, key)
                    for key in ("format", "variant", "bytes", "metric", "metric_drop", "latency_ms", "refused", "chosen")
                }
                for item in manifest.exports
            ],
        }


def main() -> None:
    seeds = [int(text) for text in sys.argv[1:]] or [0]
    found = runner.read(NAME) or {"runs": {}}
    for seed in seeds:
        found = {"runs": {**found["runs"], str(seed): measure(seed)}}
        runner.write(NAME, found)


if __name__ == "__main__":
    main()
