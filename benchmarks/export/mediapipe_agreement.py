"""python -m benchmarks.export.mediapipe_agreement: agreement of Google's on-device task library with our files

Top class and scores of MediaPipe's ImageClassifier against LiteRT's. Trains nothing: exports a small RGB network in every precision, then
classifies 60 images with both. MediaPipe runs in a separate environment.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks.runner import Row, peer, write

CLIENT = """
import json, sys
import numpy as np, mediapipe as mp
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision
folder, found = sys.argv[1], {}
answers = np.load(folder + "/answers.npz")
for variant in ("fp32", "fp16", "dynamic", "int8"):
    options = vision.ImageClassifierOptions(tasks.BaseOptions(model_asset_path=f"{folder}/model.{variant}.tflite"), max_results=3)
    with vision.ImageClassifier.create_from_options(options) as classifier:
        same, worst = 0, 0.0
        for pixels, ours in zip(answers["images"], answers[variant]):
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))
            theirs = classifier.classify(image).classifications[0].categories
            scores = {category.category_name: category.score for category in theirs}
            same += theirs[0].category_name == "abc"[ours.argmax()]
            worst = max(worst, max(abs(scores[name] - ours[i]) for i, name in enumerate("abc")))
    found[variant] = {"images": len(answers["images"]), "same_top_class": same, "largest_difference": float(worst)}
json.dump(found, open(folder + "/found.json", "w"))
"""


def main() -> None:
    import numpy as np

    from applied_dl.exporting.precisions import export_files
    from applied_dl.runtime.interpreter import Runtime
    from tests.exporting.test_precisions import accuracy, images, settings, small_serving

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found, _ = export_files(small_serving(), settings(formats=("tflite",)), images(64), images(60, 1), accuracy, folder, "small")
        shown = images(60, 1).inputs
        ours = {item.variant: Runtime((folder / item.file).read_bytes()).run(shown)["probabilities"] for item in found}
        np.savez(folder / "answers.npz", images=shown["image"], **ours)
        subprocess.run([peer("mediapipe", "mediapipe"), "-c", CLIENT, str(folder)], check=True, stderr=subprocess.DEVNULL)
        result = json.loads((folder / "found.json").read_text())
    write("export_mediapipe_agreement", {"variants": result})


def summary(found: dict) -> list[Row]:
    """Of every precision together."""
    files = found["variants"].values()
    same, shown = sum(f["same_top_class"] for f in files), sum(f["images"] for f in files)
    worst = max(f["largest_difference"] for f in files)
    measured = f"{same} of {shown} images the same class, scores within {worst:.0e}"
    return [Row("MediaPipe's ImageClassifier on our files", measured, "all, within 1e-3", same == shown and worst <= 1e-3)]


if __name__ == "__main__":
    main()
