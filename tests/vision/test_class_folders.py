"""Which folders are classes, parts, pieces of a collection or wrappers."""

from pathlib import Path

import pytest
from PIL import Image

from applied_dl.core.errors import DataError
from applied_dl.vision.class_folders import class_folders, entered
from applied_dl.vision.folders import are_pieces, is_numbered, scan


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(root / name)
    return root


def found(root: Path, *files: str):
    return class_folders(entered(scan(tree(root, *files))))


@pytest.mark.parametrize(("train", "test"), [("trainingSet", "testSet"), ("Training Data", "Testing Data"), ("train2017", "test2017"),
                                             ("1. train", "2. test"), ("my_train_v2", "my_test_v2")])  # fmt: skip
def test_parts_with_other_words_and_numbers(train, test, tmp_path):
    data = found(tmp_path, f"{train}/cat/0.png", f"{train}/dog/1.png", f"{test}/cat/2.png", f"{test}/dog/3.png")
    assert {part: sorted(classes) for part, classes in data.parts.items()} == {"train": ["cat", "dog"], "test": ["cat", "dog"]}


def test_parts_of_images_without_class_folders_are_no_classes(tmp_path):
    assert found(tmp_path, "train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg") is None


def test_masks_beside_images_are_no_images_of_the_class(tmp_path):
    data = found(tmp_path, "benign/a (1).png", "benign/a (1)_mask.png", "benign/a (1)_mask_1.png", "ill/b.png", "ill/c_mask.png")
    names = {name: [path.name for path in paths] for name, paths in data.parts["all"].items()}
    assert names == {"benign": ["a (1).png"], "ill": ["b.png", "c_mask.png"]}  # c_mask is the mask of no image
    assert any("2 images are masks of others" in note for note in data.notes)


def test_inner_folders_and_joined_folders_are_reported(tmp_path):
    inner = found(tmp_path / "a", *(f"{outer}/{i}/{n}.png" for outer, i in (("animal", "cat"), ("plant", "oak")) for n in range(4)))
    assert sorted(inner.parts["all"]) == ["animal", "plant"]
    assert "'cat', 'oak'" in inner.choices[0]
    joined = found(tmp_path / "b", *(f"{form}/{name}/{n}.png" for form in ("color", "grey") for name in ("cat", "dog") for n in range(2)))
    assert {name: len(paths) for name, paths in joined.parts["all"].items()} == {"cat": 4, "dog": 4}
    assert "data.group" in joined.choices[0]


@pytest.mark.parametrize(("names", "is_so"), [(("images_001", "images_002"), True), (("part 1", "part 12"), True), (("0", "1"), True),
                                              (("cat", "dog"), False), (("a1", "b1"), False), (("cat 1",), False)])  # fmt: skip
def test_numbered_pieces(names, is_so, tmp_path):
    assert is_numbered(scan(tree(tmp_path, *(f"{name}/0.png" for name in names)))) is is_so


@pytest.mark.parametrize(("names", "is_so"), [(("images_001", "images_002"), True), (("ham_images_part_1", "ham_images_part_2"), True),
                                              (("0", "1"), False), (("grade1", "grade2"), False), (("image", "part"), False)])  # fmt: skip
def test_numbered_folders_are_pieces_by_their_names(names, is_so, tmp_path):
    assert are_pieces(scan(tree(tmp_path, *(f"{name}/0.png" for name in names)))) is is_so


def test_a_copy_of_the_class_folders_is_no_class(tmp_path):
    names = ("yes", "no", "brain/yes", "brain/no")
    data = found(tmp_path, *(f"{name}/{i}.png" for name in names for i in range(3)))
    assert {name: len(paths) for name, paths in data.parts["all"].items()} == {"no": 3, "yes": 3}
    assert any("'brain' holds the class folders beside it once more" in note for note in data.notes)


def test_a_class_with_folders_named_as_other_classes_is_no_copy(tmp_path):
    data = found(
        tmp_path, *(f"{name}/{name.replace('/', '_')}{i}.png" for name in ("cat", "dog", "both/cat", "both/dog") for i in range(3))
    )
    assert {name: len(paths) for name, paths in data.parts["all"].items()} == {"both": 6, "cat": 3, "dog": 3}


def test_parts_without_class_folders_are_named(tmp_path):
    data = found(tmp_path, "train/cat/0.png", "train/dog/0.png", "test/0.png", "test/1.png")
    assert list(data.parts) == ["train"]
    assert data.missing == ["the 2 images of 'test' have no labels and are not used"]


@pytest.mark.parametrize(
    ("outer", "inner", "classes"),
    [
        (("walk", "run"), ("video1", "video2"), ["run", "walk"]),  # pieces of a class
        (("camera1", "camera2"), ("ok", "defect"), ["defect", "ok"]),
        (("fold 1", "fold 2"), ("class1", "class2"), ["class1", "class2"]),
        (("anna", "ben"), ("0", "1", "2"), ["0", "1", "2"]),
    ],
)
def test_which_of_two_levels_has_the_classes(outer, inner, classes, tmp_path):
    data = found(tmp_path, *(f"{a}/{b}/{i}.png" for a in outer for b in inner for i in range(4)))
    assert sorted(data.parts["all"]) == classes
    assert data.choices


def test_two_folders_of_one_part_are_refused(tmp_path):
    with pytest.raises(DataError, match="both the train part; join them"):
        found(tmp_path, *(f"{part}/{name}/0.png" for part in ("train1", "train2") for name in ("cat", "dog")))
