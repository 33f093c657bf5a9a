"""The page's masks: classes, shares and the place of the image between bars are those of Python."""

import numpy as np
import pytest
from msgspec import to_builtins

from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.segment.encoder import SegmentEncoder, View, inner_box
from applied_dl.tasks.segment.predict import postprocess
from tests.page import javascript

LABELS, PALETTE = ("a", "b", "c"), ((0, 0, 0), (200, 10, 20), (9, 8, 7))


def test_masks_and_areas_are_those_of_python():
    random = np.random.default_rng(0)
    cases, wanted = [], []
    for i in range(60):
        encoder = SegmentEncoder(height=16, width=24, channels=3, fit=("stretch", "pad")[i % 2], labels=LABELS, palette=PALETTE)
        width, height = (int(n) for n in random.integers(5, 90, 2))
        scores = random.random((1, 16, 24, 3)).astype(np.float32)
        outputs = {"scores": scores} if i % 3 else {"mask": scores.argmax(-1).astype(np.uint8), "confidence": np.ones((1, 1))}
        cases.append({
            "encoder": to_builtins(encoder), "width": width, "height": height,
            "outputs": {name: array.ravel().tolist() for name, array in outputs.items()},
        })  # fmt: skip
        wanted.append((encoder, outputs, width, height, scores.argmax(-1)[0]))
    for (encoder, outputs, width, height, mask), got in zip(
        wanted, javascript.encode("segment", {"patterns": {}}, None, cases), strict=True
    ):
        np.testing.assert_array_equal(got["mask"], mask.ravel())
        top, left, high, wide = inner_box(encoder, height, width) if encoder.fit == "pad" else (0, 0, 16, 24)
        assert got["box"] == [left, top, wide, high]
        assert got["first"] == [*PALETTE[mask[top, left]], 255]
        inside = Encoded(inputs={}, kept=[0], extra={"views": [View(high, wide)]})
        cut = {name: a[:, top : top + high, left : left + wide] if a.ndim > 2 else a for name, a in outputs.items()}
        same = SegmentEncoder(height=high, width=wide, channels=3, labels=LABELS, palette=PALETTE)
        (one,) = postprocess(same, cut, inside, arrays=True)
        shares = {item["class"]: item["share"] for item in one["classes"]}
        assert {item["class"]: item["share"] for item in got["classes"]} == pytest.approx(shares)
