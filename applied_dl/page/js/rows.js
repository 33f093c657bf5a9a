// Rows that are pasted or dropped: text of a spreadsheet or a CSV file.

export function readRows(text, names) {   // a header and its rows; separated by tabs, semicolons or commas, whichever names most columns
  const lines = ['\t', ';', ','].map((separator) => split(text, separator)).reduce((a, b) => hits(b[0], names) > hits(a[0], names) ? b : a);
  const header = (lines[0] ?? []).map((name) => name.trim()), absent = names.filter((name) => !header.includes(name));
  if (absent.length) return {error: `The first line lacks the columns ${absent.slice(0, 5).join(', ')}; expected ${names.join(', ')}.`};
  const rows = lines.slice(1).filter((cells) => cells.some((cell) => cell.trim()));
  return {header, rows: rows.map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i] ?? null])))};
}

const hits = (cells, names) => (cells ?? []).filter((cell) => names.includes(cell.trim())).length;

function split(text, separator) {   // cells of CSV, quoted ones too
  const lines = [[]];
  let cell = '', inside = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inside) {
      if (c === '"' && text[i + 1] === '"') cell += text[++i];
      else if (c === '"') inside = false;
      else cell += c;
    } else if (c === '"' && !cell.trim()) [cell, inside] = ['', true];
    else if (c === separator || c === '\n') {
      lines.at(-1).push(cell.replace(/\r$/, ''));
      cell = '';
      if (c === '\n') lines.push([]);
    } else cell += c;
  }
  lines.at(-1).push(cell.replace(/\r$/, ''));
  return lines;
}
