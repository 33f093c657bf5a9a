"""python -m benchmarks.forecast.neuralforecast [--steps 600]: ridge against neuralforecast's NLinear, side by side on ETTh1, 96 steps.

Both get one thread, the same rows, the same standardised values; neuralforecast forecasts all 2,785 test windows.
CPU-seconds are those of fitting (ours with reading, the choice of the penalty and the validation windows).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):  # before numpy is imported
    os.environ[name] = "1"

from benchmarks.forecast.common import SHARED, measure, write  # noqa: E402
from benchmarks.runner import Row, peer  # noqa: E402

PEER = r"""
import json, sys, time, warnings, logging
warnings.filterwarnings("ignore"); logging.disable(logging.WARNING)
import numpy as np, pandas as pd, torch
from neuralforecast import NeuralForecast
from neuralforecast.models import NLinear
torch.set_num_threads(1)
path, steps, L, H, E = sys.argv[1], int(sys.argv[2]), 336, 96, (8640, 11520, 14400)
a = pd.read_csv(path).iloc[:E[2], 1:].to_numpy("float64")
a = (a - a[:E[0]].mean(0)) / a[:E[0]].std(0)
time_ = pd.date_range("2016-07-01", periods=E[0], freq="h")
long = pd.concat([pd.DataFrame({"unique_id": str(d), "ds": time_, "y": a[:E[0], d]}) for d in range(a.shape[1])])
model = NLinear(h=H, input_size=L, max_steps=steps, learning_rate=1e-3, windows_batch_size=1024, scaler_type="identity", random_seed=0,
                enable_progress_bar=False, enable_model_summary=False, logger=False, accelerator="cpu")
nf = NeuralForecast([model], freq="h")
cpu, wall = time.process_time(), time.perf_counter()
nf.fit(long)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
net = nf.models[0].eval()
w = np.lib.stride_tricks.sliding_window_view(a[E[1] - L:], L + H, axis=0).reshape(-1, L + H)
with torch.no_grad():
    x = torch.tensor(w[:, :L, None].copy(), dtype=torch.float32)
    y = torch.cat([net({"insample_y": part, "insample_mask": torch.ones_like(part)[..., 0], "futr_exog": None, "hist_exog": None,
                        "stat_exog": None}) for part in x.split(4096)])[..., 0].numpy()
gap = y - w[:, L:]
print("RESULT" + json.dumps({"steps": steps, "cpu_seconds": round(cpu, 1), "seconds": round(wall, 1),
                             "mse": round(float((gap**2).mean()), 5), "mae": round(float(np.abs(gap).mean()), 5),
                             "windows": len(w) // a.shape[1]}))
"""


def summary(found: dict) -> list[Row]:
    """How many times fewer CPU-seconds, at what error."""
    ours, theirs, times = found["ridge"], found["neuralforecast NLinear"], found["times_fewer_cpu_seconds"]
    met = times >= 20 and ours["test"]["mse"] <= theirs["mse"]
    measured = f"{times:.0f} × fewer CPU-seconds, MSE {ours['test']['mse']:.4f}"
    beside = f"MSE {theirs['mse']:.4f} in {theirs['cpu_seconds']:.0f} CPU-seconds"
    return [Row("ETTh1, 96 steps: ridge against neuralforecast's NLinear", measured, "≥ 20 ×, MSE no higher", met, beside)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    path = SHARED / "ett" / "ETTh1.csv.gz"
    ours = measure({"data.source": str(path), "data.rows": 14400, "data.horizon": 96, "model.name": "ridge"})
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [peer("neuralforecast", "torch", "neuralforecast"), "-c", PEER, str(path), str(options.steps)],
        capture_output=True,
        text=True,
        env=environment,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"neuralforecast failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no message'}")
    theirs = json.loads(line.removeprefix("RESULT"))
    ratio = round(theirs["cpu_seconds"] / ours["cpu_seconds"], 1)
    write("forecast_neuralforecast", {"ridge": ours, "neuralforecast NLinear": theirs, "times_fewer_cpu_seconds": ratio})


if __name__ == "__main__":
    main()
