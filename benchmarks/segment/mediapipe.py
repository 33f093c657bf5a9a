"""python -m benchmarks.segment.mediapipe: MediaPipe's ImageSegmenter on our files (predict.scores = true)

Category masks and confidence masks of Google's on-device task library against LiteRT's outputs, in every precision, and its labels. A small
net is trained for some epochs on the built-in scenes; MediaPipe runs in a separate environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.runner import Row, peer, write

NAME = "segment_mediapipe"
IMAGES = 40
CLIENT = """
import json, sys
import numpy as np, mediapipe as mp
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision
folder, found = sys.argv[1], {}
answers = np.load(folder + "/answers.npz")
for variant in ("fp32", "fp16", "dynamic", "int8"):
    base = tasks.BaseOptions(model_asset_path=f"{folder}/model.{variant}.tflite")
    options = vision.ImageSegmenterOptions(base_options=base, output_category_mask=True, output_confidence_masks=True)
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        labels, same, worst = list(segmenter.labels), 0.0, 0.0
        for pixels, ours in zip(answers["images"], answers[variant]):
            result = segmenter.segment(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(pixels)))
            same += float((np.squeeze(result.category_mask.numpy_view()) == ours.argmax(-1)).mean())
            theirs = np.stack([np.squeeze(mask.numpy_view()) for mask in result.confidence_masks], -1)
            worst = max(worst, float(np.abs(theirs - ours).max()))
    count = len(answers["images"])
    found[variant] = {"images": count, "same_pixels": same / count, "largest_difference": worst, "labels": labels}
found["mediapipe"] = mp.__version__
json.dump(found, open(folder + "/found.json", "w"))
"""


def main() -> None:
    import numpy as np

    import applied_dl
    from applied_dl.runtime.interpreter import Runtime
    from applied_dl.tasks.segment.readers.scenes import scenes

    shown = np.stack([pair.image for pair in scenes(IMAGES, seed=1).pairs])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = applied_dl.train(
            "segment", model={"depth": 2}, train={"epochs": 8}, predict={"scores": True}, out=folder / "b",
            export={"formats": ["tflite"], "variants": ["fp32", "fp16", "dynamic", "int8"], "max_metric_drop": 1.0},
        )  # fmt: skip
        ours = {}
        for item in run.manifest.exports:
            content = (run.bundle / item.file).read_bytes()
            (folder / item.file).write_bytes(content)
            ours[item.variant] = Runtime(content).run({"image": shown})["scores"]
        np.savez(folder / "answers.npz", images=shown, **ours)
        python = os.environ.get("MEDIAPIPE_PYTHON") or peer("mediapipe", "mediapipe")
        subprocess.run([python, "-c", CLIENT, str(folder)], check=True, stderr=subprocess.DEVNULL)
        result, labels = json.loads((folder / "found.json").read_text()), list(run.predictor().encoder.labels)
    write(NAME, {"mediapipe": result.pop("mediapipe"), "variants": result, "labels": labels})


def summary(found: dict) -> list[Row]:
    """Of every precision together."""
    files = found["variants"].values()
    same, worst = min(f["same_pixels"] for f in files), max(f["largest_difference"] for f in files)
    named = all(f["labels"] == found["labels"] for f in files)
    measured = f"{same:.2%} of the pixels the same class, scores within {worst:.0e}, labels {'the same' if named else 'others'}"
    goal = "≥ 99.9%, within 1e-3, the same labels"
    return [Row(f"MediaPipe {found['mediapipe']} ImageSegmenter on our files", measured, goal, same >= 0.999 and worst <= 1e-3 and named)]


if __name__ == "__main__":
    main()
