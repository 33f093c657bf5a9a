"""Classes that are mirror images of each other are not mirrored in training: by their names, or by what a linear classifier says."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from applied_dl.tasks.image import task
from applied_dl.tasks.image.readers.hints import mirror_reason
from applied_dl.workflows import recipes


def arrows(folder, classes, count=60, size=24):
    """Arrows to the left and to the right on any grey."""
    random = np.random.default_rng(0)
    for side, k in zip(classes, (-1, 1)):
        (folder / side).mkdir(parents=True)
        for i in range(count):
            image = Image.new("RGB", (size, size), tuple(int(v) for v in random.integers(60, 200, 3)))
            draw, (x, y), a = ImageDraw.Draw(image), size / 2 + random.uniform(-1.5, 1.5, 2), size * 0.25
            draw.polygon([(x + k * a, y), (x - k * a, y - a), (x - k * a, y + a)], fill="white")
            image.save(folder / side / f"{i}.png")
    return folder


def resolved(tmp_path, source, **sections):
    recipe = recipes.read_recipe({"task": "image", "data": {"source": str(source)}, **sections})
    prepared = task.prepare(recipe, tmp_path / "cache")
    return task.resolve_defaults(recipe, prepared), prepared


@pytest.mark.parametrize(
    "classes", [("turn left", "turn right"), ("Links", "Rechts"), ("curve-gauche", "curve-droite"), ("kind 1", "kind 2")]
)
def test_mirroring_is_left_out_and_reported(tmp_path, classes):
    recipe, prepared = resolved(tmp_path, arrows(tmp_path / "arrows", classes))
    assert "flip" not in recipe.preprocess.augment
    assert recipe.preprocess.augment
    assert any("not mirrored" in text for text in prepared.warnings)


def test_a_recipe_that_mirrors_anyway_is_warned(tmp_path):
    folder = arrows(tmp_path / "arrows", ("kind 1", "kind 2"))
    recipe, prepared = resolved(tmp_path, folder, preprocess={"augment": ["flip"]}, predict={"tta": "flip"})
    assert recipe.preprocess.augment == ("flip",)
    assert sum("but 100% of the mirrored images" in text for text in prepared.warnings) == 2


def test_images_without_a_side_are_mirrored(tmp_path):
    from tests.cases.image_files import fill

    recipe, prepared = resolved(tmp_path, fill(tmp_path / "shapes", count=40))
    assert "flip" in recipe.preprocess.augment
    assert not prepared.state.mirror_reason


@pytest.mark.parametrize(
    ("labels", "named"),
    [(("left", "right", "stop"), True), (tuple("0123456789"), True), (tuple("abcdefgh"), True), (("b", "d"), True), (("p", "q"), True),
     (("0", "1"), False), (("bright", "leftover"), False), (("cat", "dog"), False), (("a", "b"), False)],
)  # fmt: skip
def test_names(labels, named):
    assert bool(mirror_reason(np.zeros((4, 8, 8, 3), np.uint8), np.arange(4) % len(labels), labels)) == named


@pytest.mark.parametrize("sided", [True, False])
def test_numbers_that_depend_on_the_side(sided):
    random = np.random.default_rng(0)
    x, y = random.integers(4, 20, 300), random.integers(4, 20, 300)
    images = random.integers(0, 30, (300, 24, 24, 3)).astype(np.uint8)
    for image, column, row in zip(images, x, y):
        image[row - 3 : row + 3, column - 3 : column + 3] = 220
    assert bool(mirror_reason(images, (x if sided else y).astype(float), ())) == sided


@pytest.mark.parametrize("seed", range(3))
def test_noise_says_nothing(seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 255, (200, 24, 24, 3)).astype(np.uint8)
    assert not mirror_reason(images, random.integers(0, 4, 200), ("oak", "elm", "ash", "fir"))
