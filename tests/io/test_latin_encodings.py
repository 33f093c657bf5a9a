"""The first article of the Declaration of Human Rights, and names of towns, in the encodings that their languages were written in."""

import time

import pytest

from applied_dl.io.encodings import windows_encoding
from applied_dl.io.latin_encodings import is_western, latin_encoding
from applied_dl.io.table_files import read_cells

WESTERN = {
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und "
    "sollen einander "
    "im Geist der Brüderlichkeit begegnen.",
    "French": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience "
    "et doivent "
    "agir les uns envers les autres dans un esprit de fraternité.",
    "Spanish": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben "
    "comportarse fraternalmente los unos con los otros. ¿Qué mañana?",
    "Portuguese": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, "
    "devem agir uns "
    "para com os outros em espírito de fraternidade. As nações são irmãs.",
    "Italian": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza; "
    "così è più.",
    "Danish": "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med fornuft og samvittighed, og de "
    "bør handle "
    "mod hverandre i en broderskabets ånd.",
    "Swedish": "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med förnuft och samvete och bör handla "
    "gentemot varandra i en anda av broderskap.",
    "Finnish": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja "
    "omatunto, ja heidän "
    "on toimittava toisiaan kohtaan veljeyden hengessä.",
    "Estonian": "Kõik inimesed sünnivad vabadena ja võrdsetena oma väärikuselt ja õigustelt. Neile on antud mõistus ja südametunnistus.",
    "Catalan": "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de consciència, i han de "
    "comportar-se fraternalment els uns amb els altres. Això és açò.",
}
ICELANDIC = (
    "Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum. Menn eru gæddir vitsmunum og samvizku, og ber þeim að breyta "
    "bróðurlega hverjum við annan. Allir þegnar."
)
CENTRAL = {
    "Polish": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i "
    "sumieniem i powinni "
    "postępować wobec innych w duchu braterstwa.",
    "Czech": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím a mají spolu jednat v "
    "duchu bratrství.",
    "Slovak": "Všetci ľudia sa rodia slobodní a sebe rovní, čo sa týka ich dôstojnosti a práv. Sú obdarení rozumom a majú "
    "navzájom jednať v "
    "bratskom duchu.",
    "Hungarian": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, ésszel és lelkiismerettel bírván, "
    "egymással szemben testvéri szellemben kell hogy viseltessenek. Gyűlölködő, nagyszerű erő.",
    "Croatian": "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima. Ona su obdarena razumom i sviješću i "
    "trebaju jedna "
    "prema drugima postupati u duhu bratstva.",
    "Romanian": "Toate fiinţele umane se nasc libere şi egale în demnitate şi în drepturi. Ele sunt înzestrate cu raţiune şi conştiinţă şi "
    "trebuie să se comporte unele faţă de altele în spiritul fraternităţii.",
}
TURKISH = (
    "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve birbirlerine karşı kardeşlik "
    "zihniyeti ile hareket etmelidirler."
)


@pytest.mark.parametrize("language", [*WESTERN, "Icelandic"])
def test_western_languages_stay_what_they_are(language):
    raw = (WESTERN | {"Icelandic": ICELANDIC})[language].encode("cp1252")
    assert latin_encoding(raw) is None
    assert is_western(raw)
    assert windows_encoding(raw) == "cp1252"


@pytest.mark.parametrize("language", WESTERN)
def test_those_of_old_apple_computers(language):
    assert windows_encoding(WESTERN[language].encode("mac_roman")) == "mac_roman"


@pytest.mark.parametrize("language", CENTRAL)
def test_those_of_central_europe(language):
    assert windows_encoding(CENTRAL[language].encode("cp1250")) == "cp1250"


@pytest.mark.parametrize("text", [TURKISH, "İstanbul;İzmir\nMuğla;Şanlıurfa\n", "takım;puan\nBeşiktaş;3\n", "Gençlerbirliği"])
def test_turkish(text):
    assert windows_encoding(text.encode("cp1254")) == "cp1254"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("city\nŁódź\nKraków\nWrocław\nGdańsk\nPoznań\n", "cp1250"), ("name\nDvořák\n", "cp1250"),
        ("city\nŽilina\nKošice\nPrešov\nBanská Bystrica\nTrenčín\n", "cp1250"), ("city\nIaşi\nTimişoara\nConstanţa\nBrăila\n", "cp1250"),
        ("city\nZürich\nGenève\nSão Paulo\nMálaga\nMalmö\nÅrhus\n", "cp1252"), ("name\nMüller\nCafé\nSøren\n", "cp1252"),
        ("city\nBesançon\nOrléans\nMálaga\nCórdoba\nLogroño\n", "cp1252"), ("area\n12 m²\n5 °C\n3 €\n30 ft³\n", "cp1252"),
        ("word\nnaïve\ncafé\njalapeño\nÅngström\n", "cp1252"), ("Straße\nKöln, Übergang\n", "mac_roman"),
    ],
)  # fmt: skip
def test_columns_of_few_words(text, encoding):
    assert windows_encoding(text.encode(encoding)) == encoding


def test_a_table_is_read_in_it_and_the_user_sees_which(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_bytes("miasto;liczba\nŁódź;1\nKraków;2\nWrocław;3\nGdańsk;4\nPoznań;5\n".encode("cp1250"))
    assert read_cells(path).frame["miasto"][0] == "Łódź"
    assert "is not UTF-8; it is read as Windows-1250, by the letters of its words" in capsys.readouterr().err
    path.write_bytes("city;n\nZürich;1\nGenève;2\nSão Paulo;3\nMálaga;4\nMalmö;5\nÅrhus;6\n".encode("cp1252"))
    assert read_cells(path).frame["city"][2] == "São Paulo"
    assert "read as Windows-1252: where letters are wrong, save it as UTF-8" in capsys.readouterr().err
    path.write_bytes("Größe;Straße\n1;grün\n".encode("cp1252"))
    assert read_cells(path).frame.columns == ["Größe", "Straße"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["Göteborg, Besançon", "Málaga, Köln, Düsseldorf, Córdoba, Almería, Münster"])
def test_words_that_are_the_same_in_both_tell_nothing(text):
    assert latin_encoding(text.encode("cp1252")) is None
    assert windows_encoding(text.encode("cp1252")) == "cp1252"


def test_many_different_words_take_no_time():
    words = [f"Stra\xdfe{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10 % 10]}{i // 100}\xfc" for i in range(200_000)]
    raw = " ".join(words).encode("cp1252")
    began = time.process_time()
    assert windows_encoding(raw) == "cp1252"
    assert time.process_time() - began < 2
