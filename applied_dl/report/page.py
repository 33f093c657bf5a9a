"""`report.html`: the model card as one page that needs nothing else, neither the network nor the files beside it; plots are inside.

Only the Markdown that `card` writes is known: headings, paragraphs, lists, tables, fenced code, pictures, bold, italic, code and links.
"""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

FILE = "report.html"
INLINE = ((re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"), (re.compile(r"(?<![\w*])\*(?!\s)(.+?)\*(?![\w*])"), r"<em>\1</em>"))
CODE = re.compile(r"`([^`]+)`")
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
STYLE = """
:root { color-scheme: light dark; --line: #cbd5e0; --soft: #f7fafc; --link: #2b6cb0 }
@media (prefers-color-scheme: dark) { :root { --line: #4a5568; --soft: #1a202c; --link: #90cdf4 } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top }
code, pre { background: var(--soft); border-radius: 4px; font-size: .88em } code { padding: .1em .25em; overflow-wrap: anywhere }
pre { padding: .8rem; overflow-x: auto } pre code { padding: 0; overflow-wrap: normal } a { color: var(--link) }
figure { margin: 1.2rem 0 } figure img { max-width: 100%; background: white; border-radius: 4px } figcaption { opacity: .75 }
"""


def write_page(folder: Path) -> None:
    """Write `report.html` from the `README.md` and the plots of a bundle's folder."""
    folder = Path(folder)
    text = (folder / "README.md").read_text(encoding="utf-8")
    (folder / FILE).write_text(page(text, folder), encoding="utf-8")


def page(markdown: str, folder: Path) -> str:
    """A card as HTML; its pictures are read from `folder`, and left out where they are not inside it."""
    body = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    title = next((line.removeprefix("# ") for line in body.splitlines() if line.startswith("# ")), "model card")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}<style>{STYLE}</style></head>\n<body>\n{_blocks(body, folder)}\n</body>\n</html>\n'
    )


def _blocks(text: str, folder: Path) -> str:
    found = []
    for fenced, block in _split(text):
        if fenced:
            found.append(f"<pre><code>{html.escape(block)}</code></pre>")
        elif heading := re.match(r"(#{1,4}) (.+)", block):
            level = len(heading[1])
            found.append(f"<h{level}>{_inline(heading[2])}</h{level}>")
        elif block.startswith("|"):
            found.append(_table(block.splitlines()))
        elif block.startswith("- "):
            found.append("<ul>" + "".join(f"<li>{_inline(line.removeprefix('- '))}</li>" for line in block.splitlines()) + "</ul>")
        elif picture := PICTURE.fullmatch(block):
            found.append(_picture(picture[1], folder / picture[2], folder))
        else:
            found.append(f"<p>{_inline(block)}</p>")
    return "\n".join(found)


def _split(text: str) -> list[tuple[bool, str]]:
    """Blocks, and whether each is fenced code."""
    found = []
    for i, part in enumerate(re.split(r"^```\w*\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)):
        if i % 2:
            found.append((True, part))
        else:
            found += [(False, block) for block in re.split(r"\n\s*\n", part.strip()) if block.strip()]
    return found


def _table(lines: list[str]) -> str:
    head, _, *rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in lines]
    cells = lambda row, tag: "".join(f"<{tag}>{_inline(cell.strip())}</{tag}>" for cell in row)  # noqa: E731
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells(head, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def _inline(text: str) -> str:
    """A line's marks as HTML. What stands in code is shown as it is; everything is escaped first, for names come from people's data."""
    parts = CODE.split(text)
    for i, part in enumerate(parts):
        part = html.escape(part.replace("\\|", "|"))
        if i % 2:
            parts[i] = f"<code>{part}</code>"
            continue
        for mark, put in INLINE:
            part = mark.sub(put, part)
        parts[i] = part.replace("\n", " ")
    return "".join(parts)


def _picture(caption: str, path: Path, folder: Path) -> str:
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    caption = html.escape(caption)
    return f'<figure><img alt="{caption}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>'
