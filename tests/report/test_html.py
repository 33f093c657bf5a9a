"""The page shows the whole card, needs no other file, and runs nothing that came from people's data."""

import base64
from html.parser import HTMLParser

import pytest

from applied_dl.report.html import page, write_page

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
CARD = """---
library_name: applied_dl
---

# digits <b>

A classifier. On held-out rows: **accuracy 0.97** and `a|b`.
*Not stated.*

## Results

| | accuracy |
|---|---|
| **this model** | 0.97 [0.95, 0.98] |
| a \\| b | <script>alert(1)</script> |

- first `x`
- second

```python
if 1 < 2: print("**no mark**")

## no heading
```

![confusion matrix](plots/confusion.png)

![secret](../secret.png)
"""
VOID = ("meta", "img", "br", "hr")


class Reader(HTMLParser):
    """Tags in order, and that each is closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.attributes, self.text = [], [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def read(tmp_path):
    (tmp_path / "b" / "plots").mkdir(parents=True)
    (tmp_path / "b" / "plots" / "confusion.png").write_bytes(PIXEL)
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (tmp_path / "b" / "README.md").write_text(CARD, encoding="utf-8")
    write_page(tmp_path / "b")
    reader = Reader()
    reader.feed((tmp_path / "b" / "report.html").read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def test_the_page_shows_everything_of_the_card(read):
    assert [read.tags.count(tag) for tag in ("h1", "h2", "table", "tr", "td", "li", "pre", "img", "strong", "em")] == [
        1, 1, 1, 3, 4, 2, 1, 1, 2, 1,
    ]  # fmt: skip
    assert "library_name" not in read.text
    for words in ("digits <b>", "0.97 [0.95, 0.98]", "a | b", "a|b", 'print("**no mark**")', "## no heading"):
        assert words in read.text


def test_nothing_is_executed_and_nothing_is_loaded(read):
    assert "script" not in read.tags
    assert "b" not in read.tags
    assert "<script>alert(1)</script>" in read.text  # as text
    sources = [value for name, value in read.attributes if name in ("src", "href")]
    assert sources == ["data:image/png;base64," + base64.b64encode(PIXEL).decode()]


def test_an_image_outside_the_bundle_is_not_shown(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "secret.png").write_bytes(PIXEL)
    assert "<img" not in page("![secret](../secret.png)", tmp_path / "b")


def folded(text: str, tmp_path) -> str:
    return page(text, tmp_path).split("<body>")[1]


def test_folds_of_the_card_are_folds_of_the_page(tmp_path):
    text = "<details><summary>All & more</summary>\n\n| a |\n|---|\n| 1 |\n\n</details>\n\nafter"
    html = folded(text, tmp_path)
    assert "<details><summary>All &amp; more</summary>\n<table>" in html
    assert html.index("</table>") < html.index("</details>") < html.index("after")


@pytest.mark.parametrize(
    "text",
    [
        "</details>",
        "<details><summary>never closed</summary>\n\ntext",
        "a <details><summary>inside a line</summary>",
        "<details open onclick=x><summary>a</summary>\n\n</details>",
        "<details><summary><script>alert(1)</script></summary>\n\n</details>",
    ],
)
def test_what_is_not_a_fold_of_the_card_is_text(text, tmp_path):
    html = folded(text, tmp_path)
    assert "<details" not in html
    assert "</details>" not in html
    assert "<script" not in html
