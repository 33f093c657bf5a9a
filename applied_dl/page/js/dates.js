// Moments of a form that training found (applied_dl/io/dates.py, month_names.py, numeric_times.py): seconds since 1970, NaN where wrong.

import {rules, regex, match, contains, replaceFirst, strip, trimSet, words, roundHalfEven} from './text.js';
import {parseNumber} from './cells.js';

const DAY = 86400;

export function readMoment(text, style) {
  if (Object.hasOwn(rules.serials, style)) {
    const [unit, start] = rules.serials[style];
    return parseNumber(text, 'plain') * unit + start;
  }
  if (rules.yearly.some((kind) => style.startsWith(kind))) {
    const value = parseNumber(text, 'plain');
    return value >= rules.years[0] && value < rules.years[1] ? Math.floor(fromYears(value, style)) : NaN;
  }
  for (const form of [style, ...rules.iso.filter((one) => one !== style)]) {
    const found = parse(text, form);
    if (found !== null) return found;
  }
  return NaN;
}

const seconds = (year, month, day) => {   // null where there is no such day
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / 1000 : null;
};
const yearStart = (year) => seconds(year, 1, 1);
const yearDays = (year) => (yearStart(year + 1) - yearStart(year)) / DAY;
const monthStart = (months) => seconds(Math.floor(months / 12), months - 12 * Math.floor(months / 12) + 1, 1);

export function fromYears(value, style) {
  if (style.startsWith('year.month')) {
    const code = roundHalfEven(value * 100);
    return monthStart(Math.floor(code / 100) * 12 + (code - 100 * Math.floor(code / 100)) - 1);
  }
  if (style === 'year.quarter') {
    const code = roundHalfEven(value * 10);
    return monthStart(Math.floor(code / 10) * 12 + (code - 10 * Math.floor(code / 10) - 1) * 3);
  }
  if (style === 'year.week') {
    const code = roundHalfEven(value), year = Math.floor(code / 100);
    return isoWeek(year, 1, 1) + (code - 100 * year - 1) * 7 * DAY;
  }
  if (style === 'month.year') {
    const code = roundHalfEven(value * 1e4), month = Math.floor(code / 1e4);
    return monthStart((code - 1e4 * month) * 12 + month - 1);
  }
  const [, count, weekday] = style.split(':'), steps = Number(count), year = Math.floor(value);
  if (steps <= 12) return monthStart(Math.floor(value * steps + rules.rounded) * Math.floor(12 / steps));
  if (steps === 8766) return yearStart(year) + roundHalfEven((value - year) * yearDays(year) * DAY / 3600) * 3600;
  let day = yearStart(year) / DAY + roundHalfEven((value - year) * yearDays(year));
  const modulo = (a, b) => a - b * Math.floor(a / b);
  if (weekday) day += modulo(Number(weekday) - modulo(day + 3, 7) + 3, 7) - 3;
  return day * DAY;
}

export function bareMoment(given) {   // without a weekday, the end of an interval and the name of a zone, which becomes its offset
  let text = given;
  const zone = regex('named_zone').exec(text);
  if (zone) text = replaceFirst('named_zone', text, '$1') + rules.offsets[zone[2]];
  for (const [name, left] of rules.around_moments) text = replaceFirst(name, text, left);
  return text;
}

function parse(written, form) {   // seconds, or null where the text does not have the form
  const given = bareMoment(written);
  if (form.includes(rules.mixed)) {
    for (const one of form.split(rules.mixed)) {
      const found = parse(given, one);
      if (found !== null) return found;
    }
    return null;
  }
  let text = /%b|%p/.test(form) || rules.canonical.includes(form) ? canonical(given) : given;
  if (form.includes('%H')) {
    text = replaceFirst('date_zone', text, '');
    if (contains('midnight', text)) {   // 24:00 ends the day
      const found = parse(replaceFirst('midnight', text, '$100$2'), form);
      return found === null ? null : found + DAY;
    }
  }
  if (['quarter', 'week', 'month', 'half', 'years'].includes(form)) {
    const first = firstDay(text, form);
    if (first === null) return null;
    [text, form] = first;
  }
  const shape = rules.patterns['shape ' + form] ? 'shape ' + form : form.includes('%Y') ? 'full_year' : null;
  if (shape && !contains(shape, text)) return null;
  if (form === '%Y-%m-%d %H') [text, form] = [text + ':00', form + ':%M'];
  else if (form !== '%G-W%V-%u' && !form.includes('%d') && !form.includes('%j')) [text, form] = ['1 ' + text, '%d ' + form];
  return strptime(text, form);
}

function firstDay(text, form) {   // [text, form] of the first day of a quarter, week, month, half or year
  const cut = regex('shape ' + form).exec(text)?.groups;
  if (!cut) return null;
  const first = (...names) => names.map((name) => cut[name]).find((part) => part !== undefined);
  if (form === 'week') return [`${first('y', 'z')}-W${first('w', 'v').padStart(2, '0')}-${cut.d ?? '1'}`, '%G-W%V-%u'];
  if (form === 'month') return [`${first('y', 'z')}-${first('m', 'n')}-1`, '%Y-%m-%d'];
  if (form === 'years') return (Number(cut.y) + 1 - Number(cut.z)) % 100 === 0 ? [`${cut.y}-1-1`, '%Y-%m-%d'] : null;
  if (form === 'half') return [`${first('y', 'z')}-${Number(first('h', 'g')) * 6 - 5}-1`, '%Y-%m-%d'];
  const year = first('y', 'z', 'x', 'f', 'v', 'b', 'd', 'e'), quarter = first('q', 'r', 's', 'g', 'w', 'a', 'c').toLowerCase();
  return [`${year.length === 4 ? year : (year < '70' ? '20' : '19') + year}-${Number(rules.roman[quarter] ?? quarter) * 3 - 2}-1`, '%Y-%m-%d'];
}

const NUMERIC = {Y: 4, G: 4, m: 2, d: 2, H: 2, I: 2, M: 2, S: 2, y: 2, j: 3, V: 2, u: 1};
const LONG = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];

function strptime(text, form) {   // as Rust's chrono reads it
  const found = {}, blanks = /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*/;
  let rest = text;
  for (const item of form.match(/%\.f|%\w|\s+|[^%\s]/g)) {
    const numeric = item[0] === '%' && NUMERIC[item[1]];
    if (numeric) {
      rest = rest.replace(blanks, '');
      const signed = (item[1] === 'Y' || item[1] === 'G') && /^[+-]/.test(rest);
      const digits = new RegExp(signed ? '^[+-]\\d+' : `^\\d{1,${numeric}}`).exec(rest);
      if (!digits) return null;
      found[item[1]] = Number(digits[0]);
      rest = rest.slice(digits[0].length);
    } else if (item === '%.f') {
      const part = /^\.(\d+)/.exec(rest);
      if (part) {
        found.f = Number(part[1].slice(0, 6).padEnd(6, '0')) / 1e6;
        rest = rest.slice(part[0].length);
      } else if (rest[0] === '.') return null;
    } else if (item === '%b' || item === '%B') {
      const at = LONG.findIndex((name) => rest.slice(0, 3).toLowerCase() === name.slice(0, 3));
      if (at < 0) return null;
      found.m = at + 1;
      const long = item === '%B' && rest.slice(0, LONG[at].length).toLowerCase() === LONG[at];
      rest = rest.slice(long ? LONG[at].length : 3);
    } else if (item === '%p') {
      const half = /^[ap]m/i.exec(rest);
      if (!half) return null;
      found.p = half[0][0].toLowerCase() === 'p' ? 12 : 0;
      rest = rest.slice(2);
    } else if (/^\s+$/.test(item)) rest = rest.replace(blanks, '');
    else if (rest.startsWith(item)) rest = rest.slice(item.length);
    else return null;
  }
  return rest ? null : assemble(found);
}

function assemble({Y, y, G, V, u, j, m, d, H, I, p, M, S, f}) {
  const year = Y ?? (y === undefined ? undefined : y < 70 ? 2000 + y : 1900 + y);
  let day;
  if (G !== undefined) day = isoWeek(G, V, u);
  else if (j !== undefined) day = j >= 1 && j <= yearDays(year) ? yearStart(year) + (j - 1) * DAY : null;
  else day = m >= 1 && d >= 1 ? seconds(year, m, d) : null;
  const hour = I === undefined ? H ?? 0 : I >= 1 && I <= 12 ? I % 12 + p : NaN;
  if (day === null || !(hour < 24) || (M ?? 0) > 59 || (S ?? 0) > 60) return null;
  return day + hour * 3600 + (M ?? 0) * 60 + (S ?? 0) + (f ?? 0);
}

function isoWeek(year, week, weekday) {
  const monday = (of) => {
    const fourth = seconds(of, 1, 4) / DAY;
    return fourth - ((fourth + 3) % 7 + 7) % 7;
  };
  const day = monday(year) + (week - 1) * 7 + weekday - 1;
  return week >= 1 && weekday >= 1 && weekday <= 7 && day < monday(year + 1) ? day * DAY : null;
}

const month = (word) => rules.months[trimSet(word, '.', false)];

function canonical(cell) {   // month names of many languages in English, without weekdays, commas and ordinals
  if (!contains('has_word', cell)) return cell;
  let plain = strip(cell).toLowerCase().replaceAll('й', 'ĭ').normalize('NFKD').replace(/\p{Mn}/gu, '').replaceAll('ı', 'i').replaceAll('ł', 'l');
  plain = plain.normalize('NFC').replace(/\s*[日일]\s*/g, ' ').replace(/\s*[月월]\s*/g, '-').replace(/\s*[年년]\s*/g, '-');
  plain = trimSet(strip(plain), '-', false);
  plain = plain.replace(/(?<![\p{L}\p{N}_])([ap])\.\s?m\.?(?=\s|$)/gu, '$1m');
  const zone = plain.includes(':') ? regex('name_zone').exec(plain) : null;
  let body = zone ? plain.slice(0, zone.index) : plain;
  const zoneText = zone ? zone[1].toUpperCase() : '';
  const months = (body.match(regex('name_word', 'g')) ?? []).filter((word) => month(word));
  if (!months.length) {
    const clock = /\s*(?<![\p{L}\p{N}_])([ap]m)(?![\p{L}\p{N}_])/gu;
    return contains('name_word', body) ? body.replace(clock, (_, half) => ' ' + half.toUpperCase()) + zoneText : plain;
  }
  let unknown = false;
  body = body.replace(regex('name_word', 'g'), (found) => {
    const word = trimSet(found, '.', false);
    if (word === trimSet(months.at(-1), '.', false) && month(word)) return ` ${rules.english[month(word) - 1]} `;
    if (Object.hasOwn(rules.kept_words, word)) return ` ${rules.kept_words[word]} `;
    if (word !== 't') unknown ||= !rules.fillers.includes(word) && !rules.weekdays.includes(word) && !month(word);
    return ' ';
  });
  body = body.replace(/[\s,/'’\-]+|(?<!\p{Nd})\.|\.(?!\p{Nd})/gu, ' ');
  return unknown ? cell : words(body).join(' ').replaceAll(' Z', 'Z') + zoneText;
}
