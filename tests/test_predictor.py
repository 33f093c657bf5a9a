"""The predictor: many threads, wrong arrays, bad inputs, damaged files, little memory."""

import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

from applied_dl.core import bundle
from applied_dl.core.errors import DataError, UsageError
from applied_dl.predictor import load


def test_many_threads_get_the_answers_of_one(trained):
    predictor = load(trained("image").bundle)
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    alone = [predictor.run({"image": images[i : i + 1]})["probabilities"] for i in range(16)]
    wrong = []

    def work(i: int) -> None:
        for _ in range(70):
            if not np.array_equal(predictor.run({"image": images[i : i + 1]})["probabilities"], alone[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_wrong_arrays_are_named(trained):
    predictor = load(trained("image").bundle)
    with pytest.raises(DataError, match=r"Input 'image' must be uint8 of shape \('B', 8, 8, 1\), received float32"):
        predictor.run({"image": np.zeros((1, 8, 8, 1), np.float32)})
    with pytest.raises(DataError, match="expects inputs"):
        predictor.run({"photo": np.zeros((1, 8, 8, 1), np.uint8)})


def test_bad_inputs_keep_their_place_beside_good_answers(trained):
    predictor = load(trained("image").bundle)
    good = np.zeros((8, 8), np.uint8)
    answers = predictor.predict([good, b"", good, "nowhere.png"])
    assert ["error" in answer for answer in answers] == [False, True, False, True]
    assert answers[3]["input"] == "nowhere.png"
    assert answers[0] == answers[2]
    assert predictor.predict([]) == []


def test_a_flipped_byte_stops_the_predictor_before_the_interpreter(trained, tmp_path):
    copy = shutil.copytree(trained("image").bundle, tmp_path / "b")
    content = bytearray((copy / "model.tflite").read_bytes())
    content[1000] ^= 4
    (copy / "model.tflite").write_bytes(content)
    manifest = bundle.read_manifest(copy)
    (copy / manifest.chosen.file).write_bytes(content)
    with pytest.raises(DataError, match="does not match its checksum"):
        load(copy)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak of a process is read from /proc")
def test_predict_stays_within_its_memory(trained, tmp_path):
    from PIL import Image

    Image.new("L", (9, 9), 40).save(tmp_path / "a.png")
    program = (
        "import sys; from applied_dl import cli\n"
        "assert cli.main(['predict', sys.argv[1], sys.argv[2], '--json']) == 0\n"
        "status = open('/proc/self/status').read()\n"
        "peak = int(status.split('VmHWM:')[1].split()[0]) / 1024\n"
        "assert peak <= 150, f'{peak:.0f} MB'\n")  # fmt: skip
    arguments = [sys.executable, "-c", program, str(trained("image").bundle), str(tmp_path / "a.png")]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_input_needs_no_list(trained):
    import io

    from PIL import Image

    predictor, image = load(trained("image").bundle), Image.new("L", (8, 8), 200)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    (wanted,) = predictor.predict([image])
    for one in (image, np.asarray(image), buffer.getvalue(), bytearray(buffer.getvalue())):
        assert predictor.predict(one) == [wanted]
    assert predictor.predict(np.stack([np.asarray(image)[..., None]] * 2)) == [wanted, wanted]
    with pytest.raises(UsageError, match="received None"):
        predictor.predict(None)
