// A text → rows of a table of word vectors (applied_dl/text/word_tokens.py, applied_dl/tasks/words/encoder.py).

import {rules, regex, characters, replaceAll, strip, wellFormed, roundHalfEven} from './text.js';

const MOST_WORDS = 4096, MOST_GRAMS = 32, LONGEST_TEXT = 2 ** 18, SOME_WORDS = 4, CHECKED = 10000;

export function tokens(given, lowercase) {   // the words of a text, in order
  let text = lowercase ? given.toLowerCase() : given, found;
  if (/^[\x00-\x7f]*$/.test(text)) found = text.match(regex('ascii_word', 'g')) ?? [];
  else {
    text = replaceAll('selectors', text.normalize('NFC'), '').replaceAll('’', "'");
    found = text.match(regex('any_word', 'g')) ?? [];
  }
  return found.map((word) => word.length > rules.longest_word ? characters(word).slice(0, rules.longest_word).join('') : word);
}

export function wordEncoder(state) {   // state: words, lowercase, ngrams, buckets
  const places = new Map(state.words.map((word, i) => [word, i])), phrases = new Map(), join = rules.join;
  for (const word of state.words) {
    const parts = word.split(join);
    if (parts.length < 2) continue;
    const start = parts.slice(0, 2).join(join);
    phrases.set(start, Math.max(parts.length, phrases.get(start) ?? 0));
  }

  function joined(words) {   // neighbours that are a phrase as one, the longest phrase first
    if (!phrases.size) return words;
    const found = [];
    for (let i = 0; i < words.length;) {
      let n = i + 1 < words.length ? phrases.get(words[i] + join + words[i + 1]) ?? 1 : 1;
      while (n > 1 && !places.has(words.slice(i, i + n).join(join))) n--;
      found.push(words.slice(i, i + n).join(join));
      i += n;
    }
    return found;
  }

  function subwordRows(word) {
    if (!state.ngrams) return [];
    const letters = ['<', ...characters(word), '>'], found = [];
    for (let n = state.ngrams[0]; n <= state.ngrams[1]; n++) {
      for (let i = 0; i + n <= letters.length && n < letters.length; i++) {
        found.push(1 + state.words.length + crc32(wellFormed(letters.slice(i, i + n).join(''))) % state.buckets);
      }
    }
    return found;
  }

  function rows(given) {   // [] where no word has a vector
    const text = characters(given).slice(0, LONGEST_TEXT).join('');
    const known = places.get(text) ?? places.get(tokens(text.replaceAll(join, ' '), state.lowercase).join(join));
    if (known !== undefined) return [known + 1];
    const words = joined(tokens(text, state.lowercase).slice(0, MOST_WORDS));
    const room = Math.max(1, Math.min(MOST_GRAMS, Math.floor(MOST_WORDS / Math.max(1, words.length))));
    const own = words.map((word) => places.has(word) ? [places.get(word) + 1] : spread(subwordRows(word), room));
    const most = Math.max(0, ...own.map((one) => one.length));
    return own.filter((one) => one.length).flatMap((one) => Array(roundHalfEven(most / one.length)).fill(one).flat());
  }

  function unlike(text) {   // most words of a longer text are unknown
    const words = joined(tokens(characters(text).slice(0, CHECKED).join(''), state.lowercase));
    return words.length >= SOME_WORDS && 2 * words.filter((word) => places.has(word)).length < words.length;
  }
  return {rows, unlike, places};
}

function spread(rows, most) {   // at most so many, evenly
  if (rows.length <= most) return rows;
  const last = rows.length - 1, step = last / Math.max(1, most - 1);
  const at = Array.from({length: most}, (_, i) => i === most - 1 && most > 1 ? last : Math.trunc(i * step));
  return [...new Set(at)].map((i) => rows[i]);
}

const TABLE = Uint32Array.from({length: 256}, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

export function crc32(text) {   // zlib.crc32 of the UTF-8 bytes
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

export function encodeWords(encoder, given) {   // {ids, notes} or {error}
  const ids = encoder.rows(given);
  if (!ids.length) return {error: strip(given) ? 'no word of this text has a vector' : 'the input is empty; give a word'};
  return {ids, notes: encoder.unlike(given) ? ['most words of this text are unknown'] : []};
}
