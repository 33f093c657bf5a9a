"""Every task through the whole river, once: the functions of the contract, the bundle, the command line, and the predictor without
TensorFlow."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import applied_dl
from applied_dl import bundle, cli, config, revisit, run
from applied_dl.config import TASKS
from applied_dl.errors import DataError, RefusedError, UsageError
from applied_dl.infer import load
from applied_dl.tasks import load_task

CONTRACT = (
    "prepare",
    "settle",
    "build",
    "fit",
    "serving",
    "reopen",
    "score",
    "baselines",
    "plots",
    "labelled",
    "save_encoder",
    "load_encoder",
)
# smaller than the default, for the tests' time
QUICK = {"image": {"train": {"epochs": 4}, "model": {"width": 0.25}}, "words": {"train": {"epochs": 3}}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One bundle a task, trained once."""
    made = {}

    def get(task: str) -> run.Run:
        if task not in made:
            folder = tmp_path_factory.mktemp(task)
            made[task] = applied_dl.train({"task": task}, out=folder / task, **QUICK.get(task, {}))
        return made[task]

    return get


@pytest.mark.parametrize("task", TASKS)
def test_a_task_page_has_the_functions_of_the_contract(task):
    module = load_task(task)
    assert [name for name in CONTRACT if not hasattr(module, name)] == []


@pytest.mark.parametrize("task", TASKS)
def test_the_bundle_is_whole_and_says_what_was_measured(task, trained):
    done = trained(task)
    manifest = bundle.open_bundle(done.bundle)
    for name in ("README.md", "model.keras", "model.tflite", "golden.npz", "history.csv"):
        assert name in manifest.files
    assert not list(done.bundle.rglob("*.pkl")) + list(done.bundle.rglob("*.h5"))
    assert manifest.metrics["test"][manifest.main] is not None
    assert (
        manifest.intervals["test"][manifest.main][0]
        <= manifest.metrics["test"][manifest.main]
        <= manifest.intervals["test"][manifest.main][1]
    )
    assert len(manifest.baselines) >= 2
    assert config.resolve(manifest.recipe).task == task
    fp32 = next(e for e in manifest.exports if e.format == "tflite" and e.variant == "fp32")
    assert not fp32.refused
    assert fp32.max_rel_diff <= 1e-4
    card = (done.bundle / "README.md").read_text()
    assert card.startswith("---\n")
    assert "## Results" in card
    assert not list(done.bundle.parent.glob(".*"))
    assert len(list(csv.DictReader((done.bundle / "history.csv").open()))) >= 1


@pytest.mark.parametrize("task", TASKS)
def test_train_json_has_the_keys_scripts_rely_on(task, trained):
    found = trained(task).as_dict()
    json.dumps(found, allow_nan=False)
    assert {"bundle", "task", "metrics", "intervals", "baselines", "exports", "seconds", "seed", "warnings"} <= set(found)
    assert {"validation", "test"} == set(found["metrics"])
    assert {"file", "format", "variant", "bytes", "metric", "metric_loss", "max_abs_diff", "ops", "chosen"} <= set(found["exports"][0])


@pytest.mark.parametrize("task", TASKS)
def test_a_copied_bundle_checks_and_answers_in_a_process_without_tensorflow(task, trained, tmp_path):
    copy = shutil.copytree(trained(task).bundle, tmp_path / "elsewhere")
    program = (
        "import sys, json; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from applied_dl import cli\n"
        "codes = [cli.main([verb, sys.argv[1], '--json']) for verb in ('check', 'info')]\n"
        "assert codes == [0, 0], codes\n")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program, str(copy)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["ok"]


@pytest.mark.parametrize("task", TASKS)
def test_the_predictor_answers_as_the_keras_graph_does(task, trained):
    import keras

    done = trained(task)
    model = keras.saving.load_model(done.bundle / "model.keras")
    predictor = load(done.bundle, variant="fp32")
    with np.load(done.bundle / "golden.npz") as golden:
        inputs = {name.removeprefix("input/"): golden[name] for name in golden.files if name.startswith("input/")}
    expected = model.predict(inputs, verbose=0)
    for name, got in predictor.run(inputs).items():
        scale = np.abs(expected[name]).max() or 1
        np.testing.assert_allclose(got, expected[name], atol=1e-4 * scale, err_msg=name)


def test_many_threads_get_the_answers_of_one(trained):
    predictor = load(trained("image").bundle)
    pictures = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    alone = [predictor.run({"image": pictures[i : i + 1]})["probabilities"] for i in range(16)]
    wrong = []

    def work(i: int) -> None:
        for _ in range(70):
            if not np.array_equal(predictor.run({"image": pictures[i : i + 1]})["probabilities"], alone[i]):
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
        predictor.run({"picture": np.zeros((1, 8, 8, 1), np.uint8)})


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


def test_evaluate_scores_every_file_on_the_held_out_rows(trained):
    done = trained("image")
    found = revisit.evaluate(done.bundle)
    chosen = done.manifest.chosen
    assert set(found["metrics"]) == {e.file for e in done.manifest.exports if not e.refused}
    assert found["metrics"][chosen.file]["accuracy"] == pytest.approx(chosen.metric)
    assert found["metrics"]["saved_model"]["accuracy"] == pytest.approx(done.metrics["test"]["accuracy"])


def test_export_again_with_fewer_variants(trained, tmp_path):
    copy = shutil.copytree(trained("image").bundle, tmp_path / "again")
    manifest = revisit.export(copy, formats=("tflite",), variants=("fp16",))
    assert [e.variant for e in manifest.exports] == ["fp16"]
    assert bundle.open_bundle(copy).chosen.variant == "fp16"
    assert not (copy / "saved_model").exists()
    assert load(copy).predict([np.zeros((8, 8), np.uint8)])
    with pytest.raises(UsageError, match="no variant 'int8'"):
        load(copy, variant="int8")


def test_a_bundle_whose_data_changed_is_not_scored_on_it(trained, tmp_path):
    copy = shutil.copytree(trained("image").bundle, tmp_path / "other")
    raw = json.loads((copy / "bundle.json").read_text())
    raw["fingerprint"] = "0" * 64
    raw["digest"] = bundle._digest(raw)
    (copy / "bundle.json").write_text(json.dumps(raw))
    with pytest.raises(RefusedError, match="is not what it was trained on"):
        revisit.evaluate(copy)


def test_the_command_line_from_new_to_predict(tmp_path, monkeypatch, capsys):
    """What the README shows, typed in an empty folder."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "image", "mine", "--data", "digits"]) == 0
    recipe = "pipelines/mine.toml"
    assert cli.main(["new", "image", "mine"]) == 2
    assert cli.main(["new", "image", "a/../../b"]) == 2
    assert cli.main(["train", recipe, "--dry-run", "--json", "--set", "train.epochs=2"]) == 0
    plan = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert plan["rows"]["train"] > 1000
    assert plan["seconds"] > 0
    assert plan["parameters"] > 0
    assert not (tmp_path / "saved_models").exists()
    assert cli.main(["train", recipe, "--quiet", "--json", "--set", "train.epochs=2", "--set", "model.width=0.25"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["bundle"] == "saved_models/mine"
    assert cli.main(["train", recipe]) == 2
    assert "--overwrite" in capsys.readouterr().err
    from PIL import Image

    Image.new("L", (9, 9), 40).save(tmp_path / "ä b.png")
    assert cli.main(["predict", "saved_models/mine", "ä b.png", "--top", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["predictions"][0]
    assert len(answer["top"]) == 2
    assert cli.main(["predict", "saved_models/mine", "ä b.png", "none.png", "--json"]) == 3
    assert "error" in json.loads(capsys.readouterr().out)["predictions"][1]
    assert cli.main(["bench", "saved_models/mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["p50_ms"] > 0
    assert cli.main(["predict", "saved_models/mine", "ä b.png", "--nearest", "2"]) == 2
    assert cli.main(["info", "saved_models/none"]) == 3


def test_light_verbs_and_the_import_load_no_tensorflow():
    program = (
        "import sys, applied_dl; from applied_dl import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "import applied_dl.infer, applied_dl.report.bench, applied_dl.infer.check\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n")  # fmt: skip
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


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


def test_an_interrupted_training_is_resumed_or_said_and_never_thrown_away_by_accident(tmp_path, monkeypatch, capsys):
    from applied_dl.train import engine

    write = engine._Keeper._write
    quick = {"out": tmp_path / "b", "train": {"epochs": 3, "checkpoint_minutes": 0}, "model": {"width": 0.25}}

    def killed(self, epoch, last):
        write(self, epoch, last)
        if epoch == 1:
            raise RuntimeError("killed")

    monkeypatch.setattr(engine._Keeper, "_write", killed)
    with pytest.raises(RuntimeError):
        applied_dl.train("image", **quick)
    monkeypatch.setattr(engine._Keeper, "_write", write)
    with pytest.raises(UsageError, match="after epoch [12].*--resume to continue"):
        applied_dl.train("image", **quick)
    with pytest.raises(RefusedError, match=r"another model\.width"):
        applied_dl.train("image", resume=True, **{**quick, "model": {"width": 0.5}})
    export = {"export": {"formats": ["tflite"], "variants": ["fp32"]}}  # of the exports a resume may change its mind
    done = applied_dl.train("image", resume=True, **quick, **export)
    assert len(list(csv.DictReader((done.bundle / "history.csv").open()))) == 3
    assert not list(tmp_path.glob(".*"))
    capsys.readouterr()
    applied_dl.train("image", resume=True, overwrite=True, **{**quick, "train": {"epochs": 1}}, **export)
    assert "there is no interrupted training" in capsys.readouterr().err


def test_a_bundle_that_cannot_be_written_is_found_out_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        applied_dl.train("image", out=tmp_path / "file" / "b")


def test_ctrl_c_is_told_in_the_bundle(tmp_path, monkeypatch):
    from applied_dl.train import engine

    judge = engine._Keeper._judge

    def interrupting(self, epoch, score):
        judge(self, epoch, score)
        raise KeyboardInterrupt

    monkeypatch.setattr(engine._Keeper, "_judge", interrupting)
    export = {"formats": ["tflite"], "variants": ["fp32"]}
    done = applied_dl.train("image", out=tmp_path / "b", train={"epochs": 3}, model={"width": 0.25}, export=export)
    assert any("stopped by hand after epoch 1" in text for text in done.manifest.warnings)
    assert "stopped by hand" in (done.bundle / "README.md").read_text()


def test_evaluate_takes_the_test_part_of_a_source_and_names_what_it_cannot_read(trained, tmp_path, capsys):
    from PIL import Image

    for part, count in (("train", 3), ("test", 2)):
        for label in ("1", "2"):
            (tmp_path / part / label).mkdir(parents=True)
            for i in range(count):
                Image.new("L", (8, 8), 30 * i).save(tmp_path / part / label / f"{i}.png")
    (tmp_path / "test" / "2" / "bad.png").write_bytes(b"none")
    with pytest.raises(DataError, match="max_unreadable"):
        revisit.evaluate(trained("image").bundle, str(tmp_path))
    (tmp_path / "test" / "2" / "bad.png").unlink()
    found = revisit.evaluate(trained("image").bundle, str(tmp_path))
    assert found["rows"] == 4
    assert any("only the test part" in text for text in found["warnings"])


def test_one_input_needs_no_list(trained):
    import io

    from PIL import Image

    predictor, picture = load(trained("image").bundle), Image.new("L", (8, 8), 200)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    (wanted,) = predictor.predict([picture])
    for one in (picture, np.asarray(picture), buffer.getvalue(), bytearray(buffer.getvalue())):
        assert predictor.predict(one) == [wanted]
    assert predictor.predict(np.stack([np.asarray(picture)[..., None]] * 2)) == [wanted, wanted]
    with pytest.raises(UsageError, match="received None"):
        predictor.predict(None)


def test_help_costs_little_more_than_python(tmp_path):
    program = (
        "import sys; from applied_dl import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\nassert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_an_unknown_verb_offers_the_nearest(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["trian", "x"])
    assert stopped.value.code == 2
    assert "Did you mean 'train'" in capsys.readouterr().err


def test_saved_classes_have_names_of_their_own():
    """Keras loads a saved layer by its registered name: two classes of one name would be taken for each other."""
    source = "".join(path.read_text(encoding="utf-8") for path in (Path(applied_dl.__file__).parent).rglob("*.py"))
    names = re.findall(r'register_keras_serializable\(package="applied_dl"\)\nclass (\w+)', source)
    assert len(names) > 10
    assert [name for name in set(names) if names.count(name) > 1] == []
