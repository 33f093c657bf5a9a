"""Images as arrays and as files."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from applied_dl.sklearn import ImageClassifier
from tests.sklearn.recipes import EXPORT


@pytest.mark.slow
def test_images_as_arrays_and_as_files(tmp_path):
    from PIL import Image

    digits = load_digits(n_class=3)
    images = (digits.images * 15).astype(np.uint8)
    recipe = {"model": {"name": "mlp", "hidden": [16]}, "train": {"epochs": 3}, "export": EXPORT}
    model = ImageClassifier(recipe=recipe).fit(images, digits.target)
    assert model.score(images, digits.target) > 0.9
    assert model.predict_proba(images[:2]).shape == (2, 3)
    paths = []
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        paths.append(str(tmp_path / f"{i}.png"))
    names = np.array(["zero", "one", "two"])[digits.target]
    assert ImageClassifier(recipe=recipe).fit(paths, names).score(paths, names) > 0.9
    with pytest.raises(ValueError, match="must have shape"):
        model.predict(np.zeros((2, 5)))
