"""What the path of a file says: its part, its counterpart, and whether it is a mask."""

from pathlib import Path

import pytest

from applied_dl.tasks.segment.readers.names import path_key, same_names


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("images/7.jpg", ("all", ("7",), False)),
        ("train/masks/7_mask.png", ("train", ("7",), True)),
        ("trainannot/7.png", ("train", ("7",), True)),
        ("city/img_7.png", ("all", ("city", "7"), False)),
        ("7_seg.png", ("all", ("7",), True)),
    ],
)
def test_part_counterpart_and_whether_it_is_a_mask(file, found):
    assert path_key(Path(file), set()) == found


def test_names_of_both_kinds_have_no_marks():
    files = [Path("images/7_L.png"), Path("masks/7_L.png"), Path("images/8.png"), Path("masks/8_mask.png"), Path("9_mask.png")]
    assert same_names(files) == {"7_L"}
    assert path_key(files[0], {"7_L"}) == ("all", ("7_l",), False)
    assert path_key(files[1], {"7_L"}) == ("all", ("7_l",), True)
