// A text → ids of sub-words as Hugging Face tokenizers makes them from tokenizer.json (WordPiece and byte-level BPE), or UTF-8 bytes
// (applied_dl/tasks/sentences/encoder.py, predict.py; applied_dl/text/markup.py).

import {rules, regex, characters, words, strip, wellFormed} from './text.js';

const MOST_BYTES = 2 ** 20, MARGIN = 1.25, LEAST = 0.1;
const WHITE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;
const IDEOGRAPH = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;
const PUNCTUATION = /[\p{P}!-\/:-@\[-`{-~]/u;
const GPT2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

export function subwordEncoder(state) {   // state: length, padding, special, usual, html, tokenizer (parsed, or null for bytes)
  const ids = state.tokenizer ? tokenizer(state) : (text) => bytes(text, state.length);
  const unknown = state.tokenizer ? state.tokenizer.model.vocab['[UNK]'] ?? state.tokenizer.model.vocab['<unk>'] ?? -1 : -1;
  return (given) => {   // {ids, notes} or {error}
    let text = wellFormed(given);
    if (state.html) text = words(withoutMarkup(text)).join(' ');
    if (!strip(characters(text).filter((c) => c === ' ' || !/[\p{C}\p{Z}]/u.test(c)).join(''))) return {error: 'the input is empty; give a text'};
    const found = ids(text), used = found.filter((id) => id !== state.padding).length;
    const readable = state.tokenizer || characters(text).some((c) => /[\p{L}\p{M}\p{N}\p{So}]/u.test(c));
    if (!used || !readable) return {error: 'the text holds nothing that the model reads'};
    const notes = used >= state.length ? [`the text reaches the model's ${state.length} tokens; the rest is not read`] : [];
    const odd = state.tokenizer ? [found.filter((id) => id === unknown).length / used, used / Math.max(1, characters(words(text).join('')).length)] : [found.filter((id) => id >= 128).length / used, 1];
    if (odd.some((value, i) => value > state.usual[i] * MARGIN + LEAST)) notes.push('unlike the training texts: the tokenizer does not know its words');
    return {ids: found, notes};
  };
}

function bytes(text, length) {   // a cut never leaves half a character; NUL counts as a space
  const all = new TextEncoder().encode(characters(text).slice(0, length).join('').normalize('NFC'));
  let end = Math.min(length, all.length);
  while (end > 0 && end < all.length && (all[end] & 0xc0) === 0x80) end--;
  return [...all.slice(0, end)].map((byte) => byte || 32);
}

function tokenizer({tokenizer: plain, length, special}) {
  const normal = normalizer(plain.normalizer), split = preTokenizer(plain.pre_tokenizer), pieces = plain.model.type === 'BPE' ? bpe(plain.model) : wordPiece(plain.model);
  const added = new Map(plain.added_tokens.map((token) => [token.content, token.id]));
  const listed = [...added.keys()].sort((a, b) => b.length - a.length).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const marks = listed.length ? new RegExp(`(${listed.join('|')})`, 'u') : null;
  const [before, after] = special ? surrounding(plain) : [[], []];
  return (given) => {
    const text = characters(given).slice(0, MOST_BYTES).join(''), found = [];
    for (const part of marks ? text.split(marks) : [text]) {
      if (added.has(part)) found.push(added.get(part));
      else if (part) for (const word of split(normal(part))) found.push(...pieces(word));
    }
    return [...before, ...found.slice(0, length - before.length - after.length), ...after];
  };
}

function surrounding({post_processor: post}) {   // ids before and after a text
  if (!post) return [[], []];
  if (post.type !== 'TemplateProcessing') return [[post.cls[1]], [post.sep[1]]];
  const at = post.single.findIndex((part) => part.Sequence), ids = (parts) => parts.flatMap((part) => post.special_tokens[part.SpecialToken.id].ids);
  return [ids(post.single.slice(0, at)), ids(post.single.slice(at + 1))];
}

function normalizer(plain) {
  if (!plain) return (text) => text;
  const lower = (text) => characters(text).map((c) => c.toLowerCase()).join('');
  switch (plain.type) {
    case 'Sequence': {
      const all = plain.normalizers.map(normalizer);
      return (text) => all.reduce((made, one) => one(made), text);
    }
    case 'BertNormalizer': return (given) => {
      let text = given;
      if (plain.clean_text) text = characters(text).filter((c) => c !== '\0' && c !== '\ufffd' && (/[\t\n\r]/.test(c) || !control(c))).map((c) => WHITE.test(c) ? ' ' : c).join('');
      if (plain.handle_chinese_chars) text = characters(text).map((c) => IDEOGRAPH.test(c) ? ` ${c} ` : c).join('');
      if (plain.strip_accents ?? plain.lowercase) text = text.normalize('NFD').replace(/\p{Mn}/gu, '');
      return plain.lowercase ? lower(text) : text;
    };
    case 'Lowercase': return lower;
    case 'StripAccents': return (text) => text.replace(/\p{Mn}/gu, '');
    case 'Replace': {
      const pattern = plain.pattern.String ?? new RegExp(plain.pattern.Regex, 'gu');
      return (text) => text.replaceAll(pattern, () => plain.content);
    }
    default: return (text) => text.normalize(plain.type);   // NFC, NFD, NFKC, NFKD
  }
}

const control = (c) => /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(c);

function preTokenizer(plain) {
  if (plain.type === 'ByteLevel') {
    return (text) => {
      const whole = plain.add_prefix_space && text[0] !== ' ' ? ' ' + text : text;
      return (plain.use_regex === false ? [whole] : whole.match(GPT2) ?? []).map((word) => [...new TextEncoder().encode(word)].map((byte) => LETTERS[byte]).join(''));
    };
  }
  return (text) => text.split(new RegExp(WHITE.source + '+', 'u')).filter((word) => word).flatMap((word) => {   // BertPreTokenizer
    const found = [''];
    for (const c of word) {
      if (PUNCTUATION.test(c)) found.push(c, '');
      else found[found.length - 1] += c;
    }
    return found.filter((part) => part);
  });
}

const LETTERS = (() => {   // of every byte the character that byte-level BPE writes it as
  const plain = Array.from({length: 256}, (_, byte) => byte).filter((byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174);
  let next = 256;
  return Array.from({length: 256}, (_, byte) => String.fromCharCode(plain.includes(byte) ? byte : next++));
})();

function wordPiece({vocab, unk_token: unknown, continuing_subword_prefix: prefix, max_input_chars_per_word: most}) {
  const known = new Map(Object.entries(vocab));
  return (word) => {
    const letters = characters(word), found = [];
    if (letters.length > most) return [known.get(unknown)];
    for (let start = 0; start < letters.length;) {
      let end = letters.length, id;
      for (; end > start && id === undefined; end--) id = known.get((start ? prefix : '') + letters.slice(start, end).join(''));
      if (id === undefined) return [known.get(unknown)];
      found.push(id);
      start = end + 1;
    }
    return found;
  };
}

function bpe({vocab, merges, unk_token: unknown}) {
  const known = new Map(Object.entries(vocab)), ranks = new Map(merges.map((pair, i) => [Array.isArray(pair) ? pair.join(' ') : pair, i]));
  return (word) => {
    let parts = characters(word);
    for (;;) {
      let best = -1, rank = Infinity;
      for (let i = 0; i + 1 < parts.length; i++) {
        const own = ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (own < rank) [best, rank] = [i, own];
      }
      if (best < 0) break;
      parts = [...parts.slice(0, best), parts[best] + parts[best + 1], ...parts.slice(best + 2)];
    }
    return parts.map((part) => known.get(part) ?? known.get(unknown)).filter((id) => id !== undefined);
  };
}

function withoutMarkup(given) {   // tags, comments, scripts and styles; entities as their characters
  const bare = (text) => text.replace(regex('tag', 'g'), (_, script, inline) => inline ? '' : ' ');
  let text = given;
  for (let i = 0; i < 2; i++) text = bare(text).replace(regex('entity', 'g'), unescaped);   // feeds hold escaped markup
  return bare(text);
}

function unescaped(entity) {   // html.unescape of one entity
  const name = entity.slice(1);
  if (name[0] === '#') {
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    if (Object.hasOwn(rules.invalid_references, code)) return rules.invalid_references[code];
    if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return '\ufffd';
    return rules.invalid_codes.includes(code) ? '' : String.fromCodePoint(code);
  }
  if (Object.hasOwn(rules.entities, name)) return rules.entities[name];
  for (let end = name.length - 1; end > 1; end--) {
    if (Object.hasOwn(rules.entities, name.slice(0, end))) return rules.entities[name.slice(0, end)] + name.slice(end);
  }
  return entity;
}
