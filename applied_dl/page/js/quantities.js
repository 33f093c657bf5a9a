// Numbers with units, currencies, bounds, ranges and durations (applied_dl/io/quantities.py, units.py), and several numbers in a cell (measures.py).

import {rules, regex, match, characters, strip, replaceAll, trimSet} from './text.js';
import {parseNumber, isMark} from './cells.js';

function splitQuantity(given) {   // null, or {numbers, sign, unit, bound, currency, value}
  const bare = strip(given);
  if (characters(bare).length > rules.longest_quantity) return null;
  const text = simpler(bare);
  const place = match('degrees', text);
  if (place && (place.groups.m || place.groups.before || place.groups.after)) return degrees(place.groups);
  const seconds = duration(text);
  if (seconds !== null) return quantity([], {unit: 'duration', value: seconds});
  const height = match('feet', text);
  if (height) {
    const inches = Number(height.groups.inches);
    return inches >= 12 ? null : quantity([], {unit: 'feet', value: 12 * Number(height.groups.feet) + inches});
  }
  const cell = match('cell', text)?.groups;
  if (!cell || Boolean(cell.open) !== Boolean(cell.close)) return null;
  const signs = [cell.sign, cell.inner, cell.minus].filter((sign) => sign);
  if (signs.length > 1) return null;
  const negative = Boolean(cell.open) || Boolean(signs.length && signs[0] !== '+');
  if (cell.second && (negative || falls(cell.first, cell.second))) return null;
  const own = cell.unit ?? '', bound = cell.less ? 'less' : cell.more || cell.plus ? 'more' : '';
  let currency = cell.before || match('currency', own)?.[0] || '';
  currency = {'US$': '$', USD: '$', EUR: '€', GBP: '£'}[currency.toUpperCase()] ?? trimSet(currency, '. ', false);
  const unit = plainUnit(replaceAll('currency', own, ''));
  return quantity([cell.first, cell.second].filter((number) => number), {sign: negative ? -1 : 1, unit, bound, currency});
}

const quantity = (numbers, more) => ({numbers, sign: 1, unit: '', bound: '', currency: '', value: NaN, ...more});

function simpler(given) {   // ASCII digits, decimals for fractions, without what people add to a number
  let text = characters(given).map((c) => c > '\x7f' && /\p{Nd}/u.test(c) ? String(decimal(c)) : c).join('');
  const part = match('fraction', text);
  if (part) {
    const {whole, up, down, sign} = part.groups, share = sign ? rules.fractions[sign] : Number(up) / Number(down);
    if (share < 1) text = String(Number((Number(whole) + share).toPrecision(12))) + text.slice(part[0].length);
  }
  const interval = match('interval', text);
  if (interval) return interval.slice(1).filter((number) => number).join(' - ');
  for (const [source, flags, plain] of rules.simpler) text = text.replace(simplerRegex(source, flags), plain);
  return text;
}

const compiled = new Map();
function simplerRegex(source, flags) {
  if (!compiled.has(source)) compiled.set(source, new RegExp(source, flags));
  return compiled.get(source);
}

function decimal(c) {
  const code = c.codePointAt(0);
  return code - rules.zeros.reduce((best, zero) => zero <= code && zero > best ? zero : best, 0);
}

function degrees({before, after, d, m, s}) {
  const side = strip((before ?? '') + (after ?? '')), minutes = Number(m ?? 0), seconds = Number(s ?? 0);
  if (side.length > 1 || minutes >= 60 || seconds >= 60) return null;
  return quantity([], {sign: side === 'S' || side === 'W' ? -1 : 1, unit: 'degrees', value: Number(d) + minutes / 60 + seconds / 3600});
}

const falls = (first, second) => !/[^0-9]/.test(first + second) && Number(first) > Number(second);   // 75031-5038 is a code

function duration(text) {   // seconds, or null
  const clock = match('clock', text)?.groups;
  if (clock) {
    const c = Number((clock.c ?? '0').replace(',', '.'));
    let a = Number(clock.a);
    if (clock.half) a = a % 12 + (clock.half.toLowerCase() === 'p' ? 12 : 0);
    return (clock.sign ? -1 : 1) * (Number(clock.d ?? 0) * 86400 + a * 3600 + Number(clock.b) * 60 + c);
  }
  const lap = match('lap', text)?.groups;
  if (lap) return Number(lap.m) * 60 + Number(lap.s.replace(',', '.'));
  const hours = match('hours', text)?.groups;
  if (hours) return Number(hours.h) * 3600 + Number(hours.m) * 60;
  if (text[0] === 'P' && text.length > 2) {
    const iso = match('iso_span', text)?.groups;
    if (iso) return ['d', 'h', 'm', 's'].reduce((sum, key) => sum + Number(iso[key] || 0) * rules.span[key], 0);
  }
  let [at, total, parts] = [0, 0, 0];
  for (let part; (part = match('span_part', text, at)) && Object.hasOwn(rules.spans, part.groups.unit.toLowerCase());) {
    total += Number(part.groups.n.replace(',', '.')) * rules.spans[part.groups.unit.toLowerCase()];
    at += part[0].length;
    parts++;
  }
  return parts > 1 && at === text.length ? total : null;
}

function plainUnit(text) {
  let plain = replaceAll('unit_noise', text.split(regex('at'))[0], '');
  if (!match('denominator', plain) && !/^[A-Za-z]+\d+$/.test(trimSet(text, ' .()'))) plain = plain.split(/\p{Nd}/u)[0];
  const letters = characters(plain);
  return letters.length > 3 && letters.at(-1).toLowerCase() === 's' ? letters.slice(0, -1).join('') : plain;
}

function knownUnit(part, units) {   // [unit, factor]; [null, 1] where it cannot be converted
  const names = Object.keys(units), lower = new Map(names.map((unit) => [unit.toLowerCase(), unit]));
  for (const key of [part.unit, `${part.currency}|${part.unit}`]) {
    const unit = Object.hasOwn(units, key) ? key : lower.get(key.toLowerCase());
    if (unit !== undefined) return [unit, units[unit]];
  }
  const bare = new Map(names.map((unit) => [unit.split('|').at(-1).toLowerCase(), units[unit]])), own = part.unit.toLowerCase();
  for (const family of Object.values(rules.families)) {
    if (bare.size && Object.hasOwn(family, own) && [...bare.keys()].every((unit) => Object.hasOwn(family, unit))) {
      const [unit, factor] = bare.entries().next().value;
      return [names[0], family[own] * factor / family[unit]];
    }
  }
  return names.length === 1 && !part.unit ? [names[0], 1] : [null, 1];
}

export function readQuantity(text, units, style) {   // {value, unit}; NaN and null where the cell is none of these units
  const part = splitQuantity(text);
  if (part === null) return {value: NaN, unit: null};
  const found = part.numbers.length ? part.numbers.map((number) => parseNumber(number, style)) : [part.value];
  const value = part.bound === 'less' ? found.at(-1) / 2 : found.reduce((a, b) => a + b, 0) / found.length;
  const [unit, factor] = knownUnit(part, units);
  return Number.isFinite(value) && unit !== null ? {value: part.sign * value * factor, unit} : {value: NaN, unit: null};
}

export function readNumber(text, column, style) {   // {value, wrong}
  if (text === null) return {value: NaN, wrong: false};
  const units = column.units ?? {};
  const value = Object.keys(units).length ? readQuantity(text, units, style).value : parseNumber(text, style);
  const wrong = Number.isNaN(value) && !isMark(text) && !(column.missing ?? []).includes(text);
  return {value: (column.sentinels ?? []).includes(value) ? NaN : value, wrong};
}

export function readMeasures(text, mark, form) {   // {values (K), wrong}
  const count = form.split('#').length - 1, empty = Array(count).fill(NaN);
  if (text === null) return {values: empty, wrong: false};
  const found = text.match(regex(mark === ',' ? 'measure_comma' : 'measure_point', 'g')) ?? [];
  if (found.length !== count) return {values: empty, wrong: !isMark(text)};
  const plain = (number) => number.replaceAll('−', '-').replaceAll(',', mark === ',' ? '.' : '');
  return {values: found.map((number) => pythonFloat(plain(number))), wrong: false};
}

const pythonFloat = (text) => Number(characters(text).map((c) => c > '\x7f' && /\p{Nd}/u.test(c) ? String(decimal(c)) : c).join(''));
