// Texts as Python and polars treat them. `rules` holds the patterns and constants of the Python encoders (applied_dl/page/rules.py).

export const rules = {patterns: {}};
const made = new Map();

export function useRules(found) {
  Object.assign(rules, found);
  made.clear();
}

export function regex(name, flags = '') {
  const key = name + '/' + flags;
  if (!made.has(key)) {
    const [source, own] = rules.patterns[name];
    made.set(key, new RegExp(source, own + flags));
  }
  const found = made.get(key);
  found.lastIndex = 0;
  return found;
}

export function match(name, text, at = 0) {   // re.match: from a place on
  const pattern = regex(name, 'y');
  pattern.lastIndex = at;
  return pattern.exec(text);
}

export const contains = (name, text) => regex(name).test(text);
export const replaceFirst = (name, text, by) => text.replace(regex(name), by);
export const replaceAll = (name, text, by) => text.replace(regex(name, 'g'), by);

const BLANK = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;   // str.isspace
const RUST_ENDS = /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;
const PYTHON_ENDS = new RegExp('^' + BLANK.source + '|' + BLANK.source + '$', 'g');

export const strip = (text) => text.replace(PYTHON_ENDS, '');   // str.strip
export const stripChars = (text) => text.replace(RUST_ENDS, '');   // polars' strip_chars
export const words = (text) => text.split(BLANK).filter((word) => word);   // str.split
export const characters = (text) => Array.from(text);   // code points, as Python counts them
export const quoted = (text) => `'${text}'`;

export function trimSet(text, set, left = true, right = true) {   // str.strip with characters
  let [a, b] = [0, text.length];
  while (left && a < b && set.includes(text[a])) a++;
  while (right && b > a && set.includes(text[b - 1])) b--;
  return text.slice(a, b);
}

export function casefold(text) {
  return characters(text).map((c) => rules.casefold[c] ?? c.toLowerCase()).join('');
}

export const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, '?');   // str.encode(errors='replace')

const FLOAT = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/, NAMED = /^([+-]?)(inf|infinity|nan)$/i;

export function toFloat(text) {   // a cast of polars; null where the text is no number
  if (FLOAT.test(text)) return Number(text);
  const named = NAMED.exec(text);
  return named ? (named[2].toLowerCase() === 'nan' ? NaN : named[1] === '-' ? -Infinity : Infinity) : null;
}

export function roundHalfEven(x) {   // numpy.rint
  const low = Math.floor(x), part = x - low;
  return part < 0.5 ? low : part > 0.5 ? low + 1 : low % 2 === 0 ? low : low + 1;
}
