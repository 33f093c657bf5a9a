"""The columns of pairs: scores, and which pairs belong together."""

import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.readers.pair_columns import alike_place, belongs_together, named_sides, scored_pairs
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.tables import read_table


def test_scored_pairs(tmp_path):
    (tmp_path / "a.csv").write_text("a man,a  boy,3.5\na dog,rain,0\n")
    assert scored_pairs(read_table(tmp_path / "a.csv")) == (["a man", "a dog"], ["a boy", "rain"], [3.5, 0.0])
    (tmp_path / "b.csv").write_text("id,Score,sentence1,sentence2\n7,0.5,a,b\n")
    assert scored_pairs(read_table(tmp_path / "b.csv")) == (["a"], ["b"], [0.5])
    for row, message in (("x,y,good\n", "row 1: the score must be a finite number, received 'good'"), ("x y,z,nan\n", "received 'nan'"),
                      ("x y,z\n", "row 1: expected sentence, sentence and score, received 2 cells")):  # fmt: skip
        (tmp_path / "c.csv").write_text(row if row[1] == " " else "p q,r s,1\n" + row)
        with pytest.raises(DataError, match=message.replace("row 1", r"row \d")):
            scored_pairs(read_table(tmp_path / "c.csv"))


@pytest.mark.parametrize(
    ("cells", "together"),
    [
        (["1", "0", "0"], [True, False, False]),
        (["true", "false", None], [True, False, False]),
        ([5.0, 3.7, 3.8, 0], [True, False, True, False]),
        (["entailment", "neutral", "Contradiction"], [True, False, False]),
        (["yes", "no", ""], [True, False, False]),
    ],
)
def test_which_pairs_belong_together(cells, together):
    assert belongs_together(cells) == together


def test_sides_are_named_in_any_spelling_and_hold_no_labels(tmp_path):
    (tmp_path / "a.csv").write_text("id,Question,Answer\n" + "".join(f"{i},what is {i},it is {i}\n" for i in range(20)))
    assert named_sides(read_table(tmp_path / "a.csv")) == (1, 2)
    (tmp_path / "b.csv").write_text("question,answer\n" + "".join(f"is it {i},{('yes', 'no')[i % 2]}\n" for i in range(20)))
    assert named_sides(read_table(tmp_path / "b.csv")) is None


def test_scores_beside_pairs_without_names_say_which_belong_together(tmp_path):
    rows = "".join(f"the cat sat on mat {i},a cat was sitting on rug {i},{i % 21 / 4}\n" for i in range(84))
    (tmp_path / "a.csv").write_text(rows)
    table = read_table(tmp_path / "a.csv")
    assert alike_place(table, (0, 1)) == 2
    counted = "".join(f"the cat sat on mat {i},a cat was sitting on rug {i},{i}\n" for i in range(60))
    (tmp_path / "b.csv").write_text(counted)
    assert alike_place(read_table(tmp_path / "b.csv"), (0, 1)) is None
    groups = read_groups((str(tmp_path / "a.csv"),), Data())
    assert len(groups) == 24
    assert any("24 of 84 pairs belong together by 'column_3'" in warning for warning in groups.warnings)
