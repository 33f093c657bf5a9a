"""A bundle's raw inputs give the arrays of its training; where a library decodes otherwise, `check` names it."""

import json

import numpy as np
import pytest

from applied_dl.core.encoder_files import save
from applied_dl.core.errors import DataError, RefusedError
from applied_dl.runtime import examples
from applied_dl.tasks.image import predict as image
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.tasks.tabular import predict as tabular
from applied_dl.tasks.tabular.columns import Column, TableEncoder, Target

ENCODERS = {
    image: ImageEncoder(height=9, width=12, channels=3, reduce_jpeg=False),
    tabular: TableEncoder(
        columns=(
            Column(name="size", kind="number", inputs=("size",), style="comma", low=1.0, high=9.0, units={"kg": 1.0, "g": 0.001}),
            Column(name="floor", kind="category", inputs=("floor",), levels=("first", "ground")),
            Column(name="built", kind="moment", inputs=("built_days",), style="%d.%m.%Y", parts=("days",), origin=1e9),
        ),
        targets=(Target(name="price"),),
        typical={"size": 2.5, "floor": 3.0, "built_days": 100.0},
    ),
}


@pytest.fixture(params=ENCODERS, ids=["image", "tabular"])
def bundle(request, tmp_path):
    save(ENCODERS[request.param], tmp_path)
    examples.write_examples(tmp_path, request.param)
    return tmp_path, request.param


def test_the_same_libraries_give_the_same_arrays(bundle):
    folder, predict = bundle
    assert examples.replay_examples(folder, predict) == len(predict.examples(predict.load_encoder(folder))) >= 2


def test_another_array_is_refused_and_the_library_named(bundle):
    folder, predict = bundle
    with np.load(folder / examples.ARRAYS) as file:
        arrays = {name: file[name] + np.array(1, file[name].dtype) if name.startswith("0/") else file[name] for name in file.files}
    np.savez(folder / examples.ARRAYS, **arrays)
    with pytest.raises(RefusedError, match="example 1.*apart by up to 1.*applied_dl itself"):
        examples.replay_examples(folder, predict)
    plain = json.loads((folder / examples.INPUTS).read_text())
    plain["versions"]["Pillow"] = "1.2.3"
    (folder / examples.INPUTS).write_text(json.dumps(plain))
    with pytest.raises(RefusedError, match=r"Pillow .* \(there 1.2.3\)"):
        examples.replay_examples(folder, predict)


def test_jpegs_that_are_reduced_while_decoded_are_noticed(tmp_path):
    save(ENCODERS[image], tmp_path)
    examples.write_examples(tmp_path, image)
    save(ImageEncoder(height=9, width=12, channels=3), tmp_path)  # as bundles before the field were
    with pytest.raises(RefusedError, match="example 1, input 'image'"):
        examples.replay_examples(tmp_path, image)


def test_older_bundles_keep_none_and_damaged_ones_are_refused(bundle):
    folder, predict = bundle
    (folder / examples.ARRAYS).write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read"):
        examples.replay_examples(folder, predict)
    (folder / examples.INPUTS).unlink()
    assert examples.replay_examples(folder, predict) == 0


def test_the_typical_row_is_written_as_the_columns_are():
    first, odd, empty = tabular.examples(ENCODERS[tabular])
    assert first == {"size": "2,5 kg", "floor": "ground", "built": "2001-12-18"}
    assert odd["size"] == "13,5 kg"
    assert set(empty.values()) == {None}
