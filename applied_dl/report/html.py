"""`report.html`: the model card as one page that needs nothing else, neither the network nor the files beside it; plots are inside."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

FILE = "report.html"
STYLE = """
:root { color-scheme: light dark; --line: #cbd5e0; --soft: #f7fafc; --link: #2b6cb0 }
@media (prefers-color-scheme: dark) { :root { --line: #4a5568; --soft: #1a202c; --link: #90cdf4 } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
table { display: block; overflow-x: auto; border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top }
code, pre { background: var(--soft); border-radius: 4px; font-size: .88em } code { padding: .1em .25em; overflow-wrap: anywhere }
pre { padding: .8rem; overflow-x: auto } pre code { padding: 0; overflow-wrap: normal } a { color: var(--link) }
img { max-width: 100%; background: white; border-radius: 4px; margin: 1.2rem 0 }
"""


def write_page(folder: Path) -> None:
    """Write `report.html` from the `README.md` and the plots of a bundle's folder."""
    folder = Path(folder)
    text = (folder / "README.md").read_text(encoding="utf-8")
    (folder / FILE).write_text(page(text, folder), encoding="utf-8")


def page(markdown: str, folder: Path) -> str:
    """A card as HTML. Its HTML is shown as letters, for names come from people's data; pictures outside `folder` are left out."""
    from markdown_it import MarkdownIt

    body = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    reader = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    blocks = reader.parse(body)
    for block in blocks:
        inside = block.children or []
        block.children = [token for token in inside if token.type != "image" or _embed(token, folder)]
    title = next((line.removeprefix("# ") for line in body.splitlines() if line.startswith("# ")), "model card")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    shown = reader.renderer.render(blocks, reader.options, {})
    return f'<!doctype html>\n<html lang="en">\n<head>{head}<style>{STYLE}</style></head>\n<body>\n{shown}</body>\n</html>\n'


def _embed(picture, folder: Path) -> bool:
    """Put the file's bytes where its name is; whether it lies in the folder."""
    path = folder / str(picture.attrs["src"])
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return False
    picture.attrs["src"] = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
    return True
