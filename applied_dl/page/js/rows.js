// Rows that are pasted or dropped: text of a spreadsheet or a CSV file.

import {casefold} from './text.js';

export function readRows(text, names) {   // a header and its rows; separated by tabs, semicolons or commas, whichever names most columns
  const lines = ['\t', ';', ','].map((separator) => split(text, separator)).reduce((a, b) => hits(b[0], names) > hits(a[0], names) ? b : a);
  const given = (lines[0] ?? []).map((name) => name.trim()), header = asTrained(given, names);
  const absent = names.filter((name) => !header.includes(name));
  if (absent.length) return {error: `The first line lacks the columns ${absent.slice(0, 5).join(', ')}; expected ${names.join(', ')}.`};
  const rows = lines.slice(1).filter((cells) => cells.some((cell) => cell.trim()));
  return {header, rows: rows.map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i] ?? null])))};
}

function hits(cells, names) {
  const exact = new Set(names), alike = new Set(names.map(bare));
  return (cells ?? []).filter((cell) => exact.has(cell.trim()) || alike.has(bare(cell))).length;
}
const bare = (name) =>   // x_1_2 is not x_12, growth % not growth: as `io/tables.py` does
  casefold(name).replace(/[^\p{L}\p{N}%‰$€£¥<>+=]+/gu, '_').replace(/(?<!\p{Nd})_|_(?!\p{Nd})/gu, '');

function asTrained(given, names) {   // the header with the names of training where one differs by capitals, blanks and marks alone
  const known = new Set(names), here = new Set(given), alike = new Map(), found = new Map();
  for (const name of given.filter((one) => !known.has(one))) alike.set(bare(name), [...(alike.get(bare(name)) ?? []), name]);
  for (const name of names.filter((one) => !here.has(one))) {
    const key = bare(name), same = alike.get(key) ?? [];
    if (key && same.length === 1 && !found.has(same[0])) found.set(same[0], name);
  }
  return given.map((name) => found.get(name) ?? name);
}

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
