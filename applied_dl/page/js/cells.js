// Cells of a table: numbers in a decimal style, marks of missing ones, booleans and levels (applied_dl/io/cells.py, labels.py).

import {rules, match, contains, replaceAll, stripChars, trimSet, words, casefold, toFloat} from './text.js';

export function clean(cell) {   // a cell as the reader of tables leaves it: stripped, null where empty
  if (cell === null || cell === undefined) return null;
  const text = stripChars(String(cell));
  return rules.missing.includes(text.toLowerCase()) ? null : text;
}

export function parseNumber(text, style) {   // NaN where the text is no finite number in the style
  let found = style === 'comma' ? null : toFloat(text);
  if (found === null) {
    let bare = replaceAll('around', text, '').replace(/^−/, '-');
    if (contains('gapped', bare)) bare = replaceAll('gaps', bare, '');
    const grouped = style !== 'either' && contains('grouped_' + style, bare);
    if (style === 'comma') {
      bare = grouped ? bare.replaceAll('.', '') : bare;
      bare = bare.includes('.') ? '' : bare.replace(',', '.');
    } else if (style === 'either') bare = bare.replace(',', '.');
    else if (grouped) bare = bare.replaceAll(',', '');
    found = toFloat(bare);
  }
  return found !== null && Number.isFinite(found) ? found : NaN;
}

export function isMark(text) {
  const bare = trimSet(text.toLowerCase(), " ()[]<>.'\"`").replace(/[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000_]+/g, ' ');
  return rules.marks.includes(bare) || contains('punctuation', text);
}

const share = (filled, style) => 1 - filled.filter((text) => Number.isNaN(parseNumber(text, style))).length / filled.length;
const isPlain = (text) => Number.isFinite(toFloat(text) ?? NaN);

export const isNumbers = (cells, style) => cells.every((text) => text === null || !Number.isNaN(parseNumber(text, style)));

export function numberStyle(cells, mark) {   // [style, share of the cells that are numbers in it]
  const filled = cells.filter((text) => text !== null);
  if (!filled.length) return ['plain', 0];
  if (mark !== ',' && filled.every(isPlain)) return ['plain', 1];
  const first = mark === ',' ? 'comma' : 'plain';
  if (!filled.some((text) => /[.,]/.test(text))) return [first, share(filled, first)];
  const shares = {};
  for (const style of [first, 'plain', 'thousands', 'comma']) shares[style] ??= share(filled, style);
  const largest = (styles) => styles.reduce((a, b) => shares[b] > shares[a] ? b : a);
  const best = largest(Object.keys(shares));
  const likely = mark === '.' && best === 'comma' ? largest(['plain', 'thousands']) : mark === ',' ? first : best;
  return shares[likely] >= rules.almost ? [likely, shares[likely]] : [best, shares[best]];
}

export function decimalMark(columns) {   // of a file, by its unambiguous cells: "." or ",", or null
  const votes = {',': 0, '.': 0};
  for (let at = 0; at < columns.length; at += rules.block) {
    for (const column of columns.slice(at, at + rules.block)) {
      const all = column.slice(0, rules.sample_rows), cells = all.filter((text) => text !== null);
      if (!cells.some((text) => /\p{Nd}[.,]|[.,]\p{Nd}/u.test(text))) continue;
      if (cells.every(isPlain)) {
        votes['.'] += cells.every((text) => contains('grouped_comma', text) || !/[.,]/.test(text)) ? 0 : 1;
        continue;
      }
      const some = cells.filter((text) => !isMark(text));
      if (!some.length) continue;
      const comma = share(some, 'comma'), point = Math.max(share(some, 'plain'), share(some, 'thousands'));
      if (Math.max(comma, point) < rules.almost) continue;
      votes[','] += comma > point ? 1 : 0;
      votes['.'] += point > comma ? 1 : 0;
    }
    if (Math.abs(votes[','] - votes['.']) >= rules.enough) break;
  }
  return votes[','] === votes['.'] ? null : votes[','] > votes['.'] ? ',' : '.';
}

export function readBoolean(text) {
  return rules.boolean[text.toLowerCase()] ?? NaN;
}

export function labelKey(label) {   // what the spellings of a label share
  const text = words(label).join(' '), whole = match('with_zero', text);
  if (whole && whole[0].length === text.length) return whole[1];
  return casefold(trimSet(trimSet(text, '.', false), ' ', false));
}

function typedKey(text) {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower;
  const number = match('plain_number', text);
  if (number) return 'number ' + (Number(text) === 0 ? 0 : Number(text));
  return isoKey(text) ?? text;
}

const ISO_DAY = /^(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d)|-?W(\d\d)(?:-?(\d))?)/;
const ISO_CLOCK = /^(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?(?:(Z)|([+-])(\d\d):?(\d\d)(?::?(\d\d)(?:\.(\d+))?)?)?$/;

function isoKey(text) {   // datetime.fromisoformat: spellings of one moment share a key
  const day = ISO_DAY.exec(text);
  if (!day || (text.match(/-/g) ?? []).length === 1 && /^\d{4}-\d/.test(text)) return null;
  const year = Number(day[1]);
  let date;
  if (day[6]) {
    const [week, weekday] = [Number(day[6]), Number(day[7] ?? 1)];
    if (week < 1 || week > 53 || weekday < 1 || weekday > 7) return null;
    const fourth = Date.UTC(year, 0, 4), monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * 864e5;
    date = monday + ((week - 1) * 7 + weekday - 1) * 864e5;
  } else {
    const [month, of] = [Number(day[2] ?? day[4]), Number(day[3] ?? day[5])];
    date = Date.UTC(year, month - 1, of);
    if (new Date(date).getUTCMonth() !== month - 1 || new Date(date).getUTCDate() !== of) return null;
  }
  const rest = text.slice(day[0].length);
  if (!rest) return `moment ${date} 0`;
  const clock = ISO_CLOCK.exec(Array.from(rest).slice(1).join(''));
  if (!clock || Number(clock[1]) > 23 || Number(clock[2] ?? 0) > 59 || Number(clock[3] ?? 0) > 59) return null;
  const seconds = Number(clock[1]) * 3600 + Number(clock[2] ?? 0) * 60 + Number(clock[3] ?? 0);
  const zone = clock[6] ? (clock[6] === '-' ? -1 : 1) * (Number(clock[7]) * 3600 + Number(clock[8]) * 60 + Number(clock[9] ?? 0)) : 0;
  const aware = clock[5] || clock[6] ? ' aware' : '';
  return `moment ${date + (seconds - zone) * 1000} ${Number((clock[4] ?? '0').slice(0, 6).padEnd(6, '0'))}${aware}`;
}

export function placeFinder(levels) {   // text → index among the levels, -1 where empty, -2 where none of them
  const known = new Map(levels.map((level, i) => [level, i]));
  const alike = [typedKey, labelKey].map((rule) => {
    const table = new Map();
    for (const [level, i] of known) {
      const key = rule(level);
      table.set(key, (table.get(key) ?? i) === i ? i : -2);
    }
    return [rule, table];
  });
  return (text) => {
    if (text === null) return -1;
    let found = known.get(text) ?? -2;
    for (const [rule, table] of alike) if (found === -2) found = table.get(rule(text)) ?? -2;
    return found;
  };
}
