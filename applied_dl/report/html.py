"""`report.html`: the model card as one page without external files; images are embedded, and nothing in it runs."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

FILE = "report.html"
STYLE = """
:root { color-scheme: light dark; --text: #1a202c; --page: #ffffff; --line: #cbd5e0; --soft: #f7fafc; --link: #2b6cb0; --alert: #c53030 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e2e8f0; --page: #11151c; --line: #4a5568; --soft: #1e2530; --link: #90cdf4; --alert: #fc8181 }
}
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
body { color: var(--text); background: var(--page) }
h1, h2 { line-height: 1.2 } h1 { margin-bottom: .4rem } h2 { font-size: 1.3rem; margin: 1.8rem 0 .6rem }
table { display: block; overflow-x: auto; border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top }
code, pre { background: var(--soft); border-radius: 4px; font-size: .88em } code { padding: .1em .25em; overflow-wrap: anywhere }
pre { padding: .8rem; overflow-x: auto } pre code { padding: 0; overflow-wrap: normal } a { color: var(--link) }
img { display: block; max-width: 100%; background: white; border-radius: 4px; margin: .8rem 0 }
blockquote { margin: 1rem 0; padding: .1rem 1rem; border-left: 5px solid var(--alert); background: var(--soft) }
details { border-top: 1px solid var(--line); padding: .5rem 0 } summary { cursor: pointer; font-weight: 600 }
@media print {
  body { max-width: none; margin: 0; font-size: 11pt; color: black; background: white }
  img, table, pre { break-inside: avoid } pre { white-space: pre-wrap }
  details::details-content { content-visibility: visible; display: block }
}
"""
OPEN = re.compile(r"<details><summary>([^<]*)</summary>")
CLOSE = "</details>"


def write_page(folder: Path) -> None:
    """Write `report.html` from the `README.md` and the plots of a bundle's folder."""
    folder = Path(folder)
    text = (folder / "README.md").read_text(encoding="utf-8")
    (folder / FILE).write_text(page(text, folder), encoding="utf-8")


def page(markdown: str, folder: Path) -> str:
    """Markdown as one HTML page.

    HTML in the text is shown as text, because names come from people's data; the only exception are the folds of the card,
    `<details><summary>…</summary>` and `</details>` as paragraphs of their own.

    Args:
        markdown: the text; YAML front matter is left out.
        folder: where its images are; images outside this folder are left out.
    """
    from markdown_it import MarkdownIt

    body = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    reader = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    blocks = _folds(reader.parse(body))
    for block in blocks:
        inside = block.children or []
        block.children = [token for token in inside if token.type != "image" or _embed(token, folder)]
    title = next((line.removeprefix("# ") for line in body.splitlines() if line.startswith("# ")), "model card")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    content = reader.renderer.render(blocks, reader.options, {})
    return f'<!doctype html>\n<html lang="en">\n<head>{head}<style>{STYLE}</style></head>\n<body>\n{content}</body>\n</html>\n'


def _folds(blocks: list) -> list:
    """The tokens with paragraphs that open or close a fold replaced by its HTML; a fold that does not match stays text."""
    from markdown_it.token import Token

    output, open_at = [], []
    for block in blocks:
        output.append(block)
        if block.type != "paragraph_close" or block.level:
            continue
        text = output[-2].content.strip()
        if match := OPEN.fullmatch(text):
            output[-3:] = [Token("html_block", "", 0, content=f"<details><summary>{html.escape(match[1])}</summary>\n")]
            open_at.append(len(output) - 1)
        elif text == CLOSE and open_at:
            output[-3:] = [Token("html_block", "", 0, content="</details>\n")]
            open_at.pop()
    for place in open_at:  # never closed
        output[place] = Token("html_block", "", 0, content=f"<p>{html.escape(output[place].content.strip())}</p>\n")
    return output


def _embed(image, folder: Path) -> bool:
    """Replace the file name by the bytes of the file; False where it is not a file in the folder."""
    path = folder / str(image.attrs["src"])
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return False
    image.attrs["src"] = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
    return True
