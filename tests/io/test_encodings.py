"""An encoding is recognised or refused; letters are never read as those of another alphabet."""

import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.table_files import read_cells


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
    with pytest.raises(DataError, match="neither UTF-8 nor Windows-1252 or 1251"):
        read_cells(path)
