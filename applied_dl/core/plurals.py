"""Numbers with their nouns in messages: "1 row has", "1,200 rows have"."""


def numbered(count: int, one: str, several: str) -> str:
    """The number, with separated thousands, and the words that agree with it.

    Example:
        >>> numbered(1, "row has", "rows have"), numbered(1200, "row has", "rows have")
        ('1 row has', '1,200 rows have')
    """
    return f"{count:,} {one if count == 1 else several}"
