"""The command line as people and scripts use it."""

import json
import re
import subprocess
import sys

import pytest

from applied_dl import cli


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
    assert [path.name for path in (tmp_path / "saved_models").iterdir()] == ["mine.preview.png"]
    assert cli.main(["train", recipe, "--quiet", "--json", "--set", "train.epochs=2", "--set", "model.name=mlp"]) == 0
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
        "import applied_dl.predictor, applied_dl.runtime.bench, applied_dl.runtime.check\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n")  # fmt: skip
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_without_the_packages_of_training_a_sentence_says_what_to_install(tmp_path):
    program = (
        "import sys; sys.modules['keras'] = None\n"
        "import applied_dl; from applied_dl import cli\n"
        "try: applied_dl.train('tabular')\nexcept applied_dl.UsageError as error: print(error)\n"
        "sys.exit(cli.main(['inspect', 'tabular']))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 2
    assert all("pip install 'applied_dl[train]'" in text for text in (found.stdout, found.stderr))
    assert "Traceback" not in found.stderr


def test_help_costs_little_more_than_python(tmp_path):
    program = (
        "import sys; from applied_dl import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\nassert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert re.fullmatch(r"applied-dl \d+\S*\n", capsys.readouterr().out)


def test_an_error_is_one_json_object_too(tmp_path, capsys):
    assert cli.main(["info", str(tmp_path), "--json"]) == 3
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["exit_code"] == 3
    assert "is not a bundle" in result["error"]
    assert "is not a bundle" in printed.err


def test_an_unknown_verb_offers_the_nearest(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["trian", "x"])
    assert stopped.value.code == 2
    assert "Did you mean 'train'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "B", "a.csv", "b.csv", "--out", "o.csv", "--quiet"],
        ["predict", "B", "--out", "o.csv", "a.csv", "--quiet", "b.csv"],
        ["predict", "--out", "o.csv", "B", "a.csv", "b.csv", "--quiet"],
        ["predict", "--quiet", "--out=o.csv", "B", "--", "a.csv", "b.csv"],
    ],
)
def test_options_stand_before_between_and_after_inputs(words):
    options = cli.build_parser().parse_args(words)
    assert (options.bundle, options.inputs, options.out, options.quiet) == ("B", ["a.csv", "b.csv"], "o.csv", True)


def test_an_optional_word_may_follow_an_option():
    assert cli.build_parser().parse_args(["page", "B", "--overwrite", "o.html"]).file == "o.html"
    assert cli.build_parser().parse_args(["page", "B", "--overwrite"]).file is None
    options = cli.build_parser().parse_args(["serve", "a=A", "--port", "1", "b=B"])
    assert (options.bundles, options.port) == (["a=A", "b=B"], 1)


@pytest.mark.parametrize(("words", "says"), [
    (["predict"], "the following arguments are required: bundle"), (["page", "B", "o.html", "another"], "unrecognized arguments: another"),
    (["predict", "B", "--ouut", "x"], "unrecognized arguments: --ouut"), (["freeze", "B"], "the following arguments are required: file"),
])  # fmt: skip
def test_words_too_few_or_too_many(words, says, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.build_parser().parse_args(words)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("name", "text", "says"), [
    ("rows.csv", "a,b\n1,2\n", "is not a recipe (.toml). If it is data, `applied-dl new TASK NAME --data "),
    ("photo.png", b"\x89PNG\xff", "is not a recipe (.toml). If it is data"), ("wrong.toml", "a b", "is not valid TOML"),
    ("folder", None, "is a folder; expected a recipe (.toml). If it is data, `applied-dl new TASK NAME --data "),
])  # fmt: skip
def test_data_in_the_place_of_a_recipe(name, text, says, tmp_path, capsys):
    path = tmp_path / name
    path.mkdir() if text is None else path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert cli.main(["train", str(path), "--quiet"]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("error", "sentence"), [
    (PermissionError(13, "Permission denied", "a/b.csv"), "'a/b.csv': Permission denied; choose another place, or change its rights."),
    (PermissionError("Permission denied: b"), "Permission denied: b; choose another place, or change its rights."),
    (OSError(28, "No space left on device"), "No space left on device; make room, or choose another place."),
    (OSError(5, "Input/output error", "x"), "'x': Input/output error."),
])  # fmt: skip
def test_an_error_of_the_system_is_a_sentence(error, sentence):
    assert cli.system_error(error) == sentence
