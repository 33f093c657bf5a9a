"""What every hostile input must end in: exit code 3 and one sentence, or answers for the good inputs with the bad ones named."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from applied_dl import cli

QUICK = {"formats": ("tflite",), "variants": ("fp32",)}  # of an export: the inputs are tested here, not the precisions


class Case(NamedTuple):
    """`make` writes the input into a folder and returns what stands on the command line (or what `Predictor.predict` is given).

    `says` are words that the one sentence must hold, where the whole input is refused; otherwise `bad` are the places of the inputs that
    are named, each with words of its sentence, among `count` inputs that are answered.
    """

    name: str
    make: Callable[[Path], list]
    says: tuple[str, ...] = ()
    bad: dict[int, str] = {}
    count: int = 1
    warns: str = ""


def refused(name: str, make, *says: str) -> Case:
    """Nothing of it can be answered."""
    assert says
    return Case(name, make, says=says)


def named(name: str, make, bad: dict[int, str] | str, count: int = 1, warns: str = "") -> Case:
    """The bad ones are named in their places; the others are answered. `bad`: of the only input where it is a text."""
    return Case(name, make, bad={0: bad} if isinstance(bad, str) else bad, count=count, warns=warns)


def answered(name: str, make, count: int = 1, warns: str = "") -> Case:
    """Odd, but it has an answer, with a warning where `warns`."""
    return Case(name, make, count=count, warns=warns)


def names(cases: list[Case]) -> list[str]:
    """Ids for pytest; a name that stands twice would hide a case."""
    found = [case.name for case in cases]
    assert len(found) == len(set(found))
    return found


def one_sentence(text: str, words: tuple[str, ...] = ()) -> None:
    """One line that a person can act on, not the words of a traceback."""
    assert text.strip() == text
    assert "\n" not in text
    assert text.endswith((".", "?", ")")), text
    assert 10 < len(text) < 1200, text
    for sign in ("Traceback", "Error(", "object at 0x", "KeyError", "Errno", "'NoneType' object", "polars.exceptions"):
        assert sign not in text, text
    for word in words:
        assert word in text, f"{word!r} is not in: {text}"


def check_command(case: Case, bundle: Path, folder: Path, capsys) -> list[dict] | None:
    """The case on the command line; its answers."""
    arguments = [str(argument) for argument in case.make(folder)]
    capsys.readouterr()
    code = cli.main(["predict", str(bundle), *arguments, "--json"])
    out, err = capsys.readouterr()
    if case.says:
        assert code == 3, (code, err, out)
        assert json.loads(out)["exit_code"] == 3
        one_sentence(err.splitlines()[-1].removeprefix("applied-dl: "), case.says)
        return None
    found = json.loads(out)["predictions"]
    assert code == (3 if case.bad else 0), err
    assert case.warns in err, err
    check_answers(case, found)
    return found


def check_answers(case: Case, found: list[dict]) -> None:
    """Every place answered or named, and no number that is none."""
    assert len(found) == case.count, found
    for place, answer in enumerate(found):
        if place in case.bad:
            assert set(answer) == {"input", "error"}, answer
            one_sentence(answer["error"], (case.bad[place],))
        else:
            assert "error" not in answer, answer
            assert all(math.isfinite(number) for number in numbers(answer)), answer


def numbers(answer):
    """All numbers of an answer."""
    if isinstance(answer, dict):
        answer = answer.values()
    elif not isinstance(answer, list | tuple):
        return [answer] if isinstance(answer, int | float) else []
    return [number for item in answer for number in numbers(item)]
