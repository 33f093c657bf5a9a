"""Words of columns' names that mean times and parts of times, in many languages."""

from __future__ import annotations

import re
import unicodedata

TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds", "day", "week", "month", "quarter", "year", "stamp")
WORDS = {  # of a column's name, without accents, by what its values are
    "year": "year yr jahr annee ano anno jaar rok ar yyyy",
    "quarter": "quarter qtr quartal trimestre trimester kwartaal kvartal kwartal q",
    "month": "month mon mnth monat mois mes mese maand manad maned miesiac mm",
    "week": "week wk weeknum kw woche semaine semana settimana vecka uke tydzien",
    "day": "day dom mday tag jour dia giorno dag dzien dd",
    "clock": "hour hr hh time clock uhrzeit stunde zeit uhr heure hora ora uur tijd godzina tid klokkeslett",
}
OTHER_TIME_WORDS = (
    "date datetime timestamp ts ds stamp epoch unix unixtime unixtimestamp dt period datum zeitpunkt zeitstempel fecha fechahora data "
    "horodatage czas дата время 日期 时间 日付 날짜 created at"
)
WEEKDAY_WORDS = "weekday dow dayofweek wday wochentag jour_semaine diasemana"
ROLES = {word: role for role, words in WORDS.items() for word in words.split()}
TIME_WORDS = {*ROLES, *OTHER_TIME_WORDS.split()}


def name_words(name: str) -> list[str]:
    """A column name in lower-case words without accents: `Order Date` and `orderDate` → order, date."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart.lower()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def named_like_time(name: str) -> bool:
    """Whether a name has a word that names times."""
    return any(word in TIME_WORDS for word in name_words(name))
