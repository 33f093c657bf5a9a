"""An encoding is recognised or refused; letters are never read as those of another alphabet."""

from pathlib import Path

import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.batches import table_batches
from applied_dl.io.encodings import decoded
from applied_dl.io.table_files import read_cells
from applied_dl.text.decoding import Reading
from applied_dl.text.decoding import decoded as lines_of


@pytest.mark.parametrize(
    ("text", "encoding", "known"),
    [
        ("Größe;Straße\ngrün;weiß\n", "cp1252", True),
        ("été;élève\nâgé;déjà, naïve\n", "cp1252", True),
        ("hyvää;päivää\nTöölö;jäätävä sää\ncréée;née, réélu\nmüüa;öö\n", "cp1252", True),
        ("«élu»;“é”…\nà «ça»…;°C – 5 €\n", "cp1252", True),
        ("prix;note\n€€;bon\n€€€;bon\n€;–\n", "cp1252", True),
        ("Рост;Город\n180;Казань №5\n170;МОСКВА\n", "cp1251", True),
        ("Київ;Львів\nҐрунт;Їжак\n", "cp1251", True),
        ("Рост;Город\n180;Казань\n170;Москва\n", "koi8-r", False),
        ("рост;город\n180;казань, нижний новгород\n170;москва\n", "koi8-r", False),
        ("РОСТ;ГОРОД\n180;КАЗАНЬ, НИЖНИЙ НОВГОРОД\n170;МОСКВА\n", "cp1251", True),
        ("身高;城市\n180;北京\n170;上海\n", "gbk", False),
        ("身長;都市\n180;東京\n170;大阪\n", "shift_jis", False),
        ("名;数\n北京;1\n上海;2\n广州;3\n深圳;4\n", "gbk", False),
        ("키;도시\n180;서울\n170;부산\n", "cp949", False),
        ("Ύψος;Πόλη\n180;Αθήνα\n", "cp1253", False),
        ("Ł;łódź\n1;Żółć\n2;źdźbło\n", "cp1250", False),
    ],
)
def test_an_encoding_is_recognised_or_refused(tmp_path, text, encoding, known):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    if known:
        assert read_cells(path).frame.columns == text.split("\n")[0].split(";")
        return
    with pytest.raises(DataError, match="neither UTF-8 nor in a European encoding of Windows"):
        read_cells(path)


def test_all_batches_of_a_file_are_read_as_its_first_one(tmp_path):
    """A batch with one short word in Windows-1251 alone looks like Windows-1252."""
    path = tmp_path / "t.csv"
    lines = [f"{i};{'Казань' if i < 50 else 'да' if i == 99 else 'no'}" for i in range(100)]
    path.write_bytes("\n".join(["номер;ответ", *lines, ""]).encode("cp1251"))
    *_, last = table_batches(path, 200)
    assert last.read().frame["ответ"][-1] == "да"


def test_running_texts_are_recognised_as_tables_are(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("".join(f"An English line, the {i}th one, and Привет\n" for i in range(40)).encode("cp1251"))
    assert next(lines_of(path, Reading(), cut=True)).endswith("Привет")


def test_the_end_mark_of_ms_dos_is_no_cell():
    for end in (b"\x1a", b"\r\n\x1a", b"\x1a\r\n"):
        assert decoded(b"a,b\r\n1,6.2" + end, Path("old.csv"), 0).splitlines() == ["a,b", "1,6.2"]
