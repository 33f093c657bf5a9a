"""What the encoders in JavaScript take from the Python ones instead of repeating it: patterns, marks, units, month names.

Every value stands once, in the module that Python reads it from; the page holds a copy that is made when it is written.
"""

from __future__ import annotations

import html
import html.entities
import sys
import unicodedata
from typing import Any

from applied_dl.io import cells, dates, labels, measures, month_names, numeric_times, quantities, stamps, tables, terms, units
from applied_dl.page.patterns import javascript
from applied_dl.text import markup, word_tokens


def rules_of(kind: str) -> dict[str, Any]:
    """The patterns and constants that the scripts of a task read, by the `rules` of its `PageParts`."""
    if kind == "table":
        return table_rules()
    return {"patterns": {}} if kind == "none" else text_rules(markup_too=kind == "markup")


def table_rules() -> dict[str, Any]:
    """Patterns and constants of cells, numbers, units, moments, lists and texts of a table."""
    return {
        "patterns": {
            "around": javascript(cells.AROUND),
            "gaps": javascript(cells.GAPS),
            "gapped": javascript(cells.GAPPED),
            **{f"grouped_{style}": javascript(source) for style, source in cells.GROUPED.items()},
            "plain_number": javascript(cells.PLAIN),
            "punctuation": javascript(cells.PUNCTUATION),
            "with_zero": javascript(labels.WITH_ZERO),
            "word": javascript(terms.WORD),
            **{f"measure_{'comma' if mark == ',' else 'point'}": javascript(pattern) for mark, pattern in measures.NUMBERS.items()},
            "zoned": javascript(stamps.ZONED),
            "series_unit": javascript(r"^\s*([+-]?\d(?:[\d.,]*\d)?)(?:\s+([A-Za-zµ°Ω€/³²]{1,8}))\s*$"),
            **_quantity_patterns(),
            **_date_patterns(),
        },
        "simpler": [[*javascript(pattern), _replacement(plain)] for pattern, plain in quantities.SIMPLER],
        "missing": list(tables.MISSING),
        "marks": list(cells.MARKS),
        "boolean": cells.BOOLEAN,
        "serials": cells.SERIALS,
        "yearly": list(cells.YEARLY),
        "years": [numeric_times.FIRST_YEAR, numeric_times.LAST_YEAR],
        "epochs": numeric_times.EPOCHS,
        "by_parts": list(numeric_times.BY_PARTS),
        "rounded": numeric_times.ROUNDED,
        "offsets": dates.OFFSETS,
        "roman": dates.ROMAN,
        "around_moments": [[f"around_{i}", left.replace("{", "").replace("}", "")] for i, (_, left) in enumerate(dates.AROUND)],
        "almost": cells.ALMOST,
        "sample_rows": cells.SAMPLE_ROWS,
        "enough": cells.ENOUGH,
        "block": cells.BLOCK,
        "longest_text": terms.LONGEST,
        "longest_quantity": quantities.LONGEST,
        "families": units.FAMILIES,
        "spans": quantities.SPANS,
        "span": quantities.SPAN,
        "iso": list(dates.ISO),
        "mixed": dates.MIXED,
        "canonical": list(dates.CANONICAL),
        "months": month_names.MONTHS,
        "english": list(month_names.ENGLISH),
        "weekdays": sorted(month_names.WEEKDAYS),
        "fillers": sorted(month_names.FILLERS),
        "kept_words": month_names.KEPT,
        **_characters(),
    }


def text_rules(markup_too: bool = True) -> dict[str, Any]:
    """Patterns of words and emoji; of HTML, with the names of its entities, where the texts may hold it."""
    return {
        "patterns": {
            "ascii_word": javascript(word_tokens.ASCII),
            "any_word": javascript(word_tokens.pattern()),
            "selectors": javascript(word_tokens.SELECTORS),
            **({"tag": javascript(markup.TAG), "entity": javascript(markup.ENTITY)} if markup_too else {}),
        },
        **(_entities() if markup_too else {}),
        "longest_word": word_tokens.LONGEST,
        "join": word_tokens.JOIN,
    }


def _quantity_patterns() -> dict[str, list[str]]:
    return {
        "cell": javascript(quantities.CELL),
        "clock": javascript(quantities.CLOCK),
        "lap": javascript(quantities.LAP),
        "hours": javascript(quantities.HOURS),
        "feet": javascript(quantities.FEET),
        "span_part": javascript(quantities.SPAN_PART),
        "iso_span": javascript(quantities.ISO_SPAN),
        "degrees": javascript(quantities.DEGREES),
        "fraction": javascript(quantities.FRACTION),
        "interval": javascript(quantities.INTERVAL),
        "currency": javascript(quantities.CURRENCY),
        "at": javascript(r"@|\bat\b"),
        "unit_noise": javascript(r"[\s.()]+"),
        "denominator": javascript(r"^/\d"),
    }


def _date_patterns() -> dict[str, list[str]]:
    return {
        **{f"shape {form}": javascript(source) for form, source in dates.SHAPES.items()},
        "named_zone": javascript(dates.NAMED_ZONE),
        **{f"around_{i}": javascript(pattern) for i, pattern in enumerate(dict(dates.AROUND))},
        "date_zone": javascript(dates.ZONE),
        "midnight": javascript(dates.MIDNIGHT),
        "full_year": javascript(dates.FULL_YEAR),
        "has_word": javascript(month_names.HAS_WORD),
        "name_word": javascript(month_names.WORD),
        "name_zone": javascript(month_names.ZONE),
    }


def _entities() -> dict[str, Any]:
    """What `html.unescape` makes of named and numbered references."""
    control = [*range(160), *range(0xFDD0, 0xFDF0), *(plane * 0x10000 + last for plane in range(17) for last in (0xFFFE, 0xFFFF))]
    numbered = {code: html.unescape(f"&#{code};") for code in control}
    return {
        "entities": html.entities.html5,
        "invalid_references": {code: text for code, text in numbered.items() if text and text != chr(code) or code == 13},
        "invalid_codes": [code for code, text in numbered.items() if not text],
    }


def _replacement(plain: str) -> str:
    r"""`\1` and `\g<a>` as JavaScript writes them."""
    return plain.replace(r"\1", "$1").replace(r"\g<a>", "$<a>")


def _characters() -> dict[str, Any]:
    """What Python knows of characters and JavaScript does not: the zero of every script's digits, the values of fractions, case folding."""
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    return {
        "zeros": [ord(c) for c in every if unicodedata.decimal(c, None) == 0],
        "fractions": {c: unicodedata.numeric(c) for c in every if "¼" <= c <= "¾" or "⅐" <= c <= "⅞"},
        "casefold": {c: c.casefold() for c in every if c.casefold() != c.lower()},
    }
