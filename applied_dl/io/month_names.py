"""Dates with month names in many languages → one English spelling that a parser reads: `5. März 2024` → `5 Mar 2024`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import polars as pl

ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NAMES = (  # twelve months a line: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Danish and Norwegian,
    "january february march april may june july august september october november december",  # Indonesian, Turkish, Czech, Romanian,
    "januar februar marz april mai juni juli august september oktober november dezember",  # Russian, Finnish
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "styczen luty marzec kwiecien maj czerwiec lipiec sierpien wrzesien pazdziernik listopad grudzien",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november desember",
    "januari februari maret april mei juni juli agustus september oktober november desember",
    "ocak subat mart nisan mayis haziran temmuz agustos eylul ekim kasim aralik",
    "leden unor brezen duben kveten cerven cervenec srpen zari rijen listopad prosinec",
    "ledna unora brezna dubna kvetna cervna cervence srpna zari rijna listopadu prosince",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesakuu heinakuu elokuu syyskuu lokakuu marraskuu joulukuu",
)
SHORT = {"mrz": 3, "mrt": 3, "sty": 1, "jui": 0, "cze": 6, "lip": 7, "dic": 12, "ene": 1, "sept": 9, "set": 9, "out": 10, "abr": 4}
DAY_NAMES = (
    "monday tuesday wednesday thursday friday saturday sunday tues thur thurs montag dienstag mittwoch donnerstag freitag samstag "
    "sonnabend sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo lunedi "
    "martedi mercoledi giovedi venerdi domenica segunda terca quarta quinta sexta maandag dinsdag woensdag donderdag vrijdag zaterdag "
    "zondag mon tue wed thu fri sat sun lun mer jeu ven sam dim mie jue vie sab dom gio die mit don fre son"
)
WEEKDAYS = set(DAY_NAMES.split())
SHORT_DAYS = "mo di mi do fr sa so lu ma me je ve mi ju vi seg ter qua qui sex пн вт ср чт пт сб вс"
DAY_BEFORE = (
    rf"(?i)^(?:{'|'.join(sorted({*WEEKDAYS, *SHORT_DAYS.split()}))}|mardi|mié|sáb|miércoles|sábado|lunedì|martedì|mercoledì)\.?,?\s+(\d)"
)
FILLERS = {"de", "del", "of", "the", "den", "der", "le", "om", "kl", "st", "nd", "rd", "th", "er", "uhr", "г", "года", "feira", "at", "um"}
KEPT = {"am": "AM", "pm": "PM", "z": "Z", "utc": "Z", "gmt": "Z"}
WORD = re.compile(r"[^\W\d_]+\.?")
HAS_WORD = re.compile(r"[^\W\d_]{3,}|[年月日년월일]|\d\s?[ap]\.?m\b", re.IGNORECASE)
ZONE = re.compile(r"(?<=\d)\s*([Zz]|[+-]\d\d:?\d\d)$")


def _months() -> dict[str, int]:
    """Every full name and every beginning of one with three letters or more, where it means one month in all languages."""
    found: dict[str, set[int]] = {}
    for line in NAMES:
        for number, name in enumerate(line.split(), start=1):
            for length in range(3, len(name) + 1):
                found.setdefault(name[:length], set()).add(number)
    words = {word: months.pop() for word, months in found.items() if len(months) == 1}
    words |= {name: number for number, name in enumerate(NAMES[0].split(), start=1)}
    words |= {name[:3]: number for number, name in enumerate(NAMES[0].split(), start=1)}  # an English abbreviation decides
    return words | {word: number for word, number in SHORT.items() if number}


MONTHS = _months()


def canonical(text: pl.Series) -> pl.Series:
    """The texts with month names in English, without weekdays, commas and ordinals; other texts as they are.

    Example:
        >>> canonical(pl.Series(["Mon, 5th January 2024", "20-Jun-24", "5. März 2024"])).to_list()
        ['5 Jan 2024', '20 Jun 24', '5 Mar 2024']
    """
    unique = text.drop_nulls().unique().to_list()
    changed = {cell: new for cell in unique if HAS_WORD.search(cell) and (new := canonical_cell(cell)) != cell}
    return text.replace(changed) if changed else text


@lru_cache(200_000)
def canonical_cell(cell: str) -> str:
    """One text of `canonical`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", cell.strip().lower().replace("й", "ĭ")) if not unicodedata.combining(c))
    plain = plain.replace("ı", "i").replace("ł", "l")
    plain = re.sub(r"\s*[年년]\s*", "-", re.sub(r"\s*[月월]\s*", "-", re.sub(r"\s*[日일]\s*", " ", unicodedata.normalize("NFC", plain))))
    plain = plain.strip().rstrip("-")
    plain = re.sub(r"\b([ap])\.\s?m\.?(?=\s|$)", r"\1m", plain)
    zone = ZONE.search(plain) if ":" in plain else None
    body, zone_text = (plain[: zone.start()], zone[1].upper()) if zone else (plain, "")
    months = [word for word in WORD.findall(body) if _month(word)]
    if not months:
        return re.sub(r"\s*([ap]m)\b", lambda found: " " + found[1].upper(), body) + zone_text if WORD.search(body) else plain
    unknown = False

    def english(found: re.Match[str]) -> str:
        nonlocal unknown
        word = found[0].rstrip(".")
        if word == months[-1].rstrip(".") and (month := _month(word)):
            return f" {ENGLISH[month - 1]} "
        if word in KEPT:
            return f" {KEPT[word]} "
        if word == "t":
            return " "
        unknown |= word not in FILLERS and word not in WEEKDAYS and not _month(word)  # "mar. 5 mars": the first is a weekday
        return " "

    body = WORD.sub(english, body)
    body = re.sub(r"[\s,/'’\-]+|(?<!\d)\.|\.(?!\d)", " ", body)
    return cell if unknown else " ".join(body.split()).replace(" Z", "Z") + zone_text


def _month(word: str) -> int | None:
    return MONTHS.get(word.rstrip("."))
