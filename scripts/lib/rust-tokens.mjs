// Splits Rust source into the tokens that are needed to find paths. Comments and doc comments are
// dropped, and the contents of strings and characters are never parsed as code.

/**
 * A token. `kind` is one of
 *
 *   name      an identifier or keyword; a raw one without its `r#`
 *   string    any string literal; `text` is what stands between its quotes, escapes included
 *   literal   a character, a byte or a number
 *   lifetime  a lifetime or label
 *   mark      punctuation: `::`, or one character
 *
 * `line` counts from 1.
 * @typedef {{ kind: "name" | "string" | "literal" | "lifetime" | "mark", text: string, line: number }} Token
 */

/**
 * The patterns of tokens, in the order in which they are tried. A pattern without a kind is
 * skipped.
 */
const patterns = [
  [undefined, /\s+|\/\/[^\n]*/y],
  ["string", /[bc]?r(?<hashes>#*)"(?<text>[\s\S]*?)"\k<hashes>/y],
  ["string", /[bc]?"(?<text>[^"\\]*(?:\\[\s\S][^"\\]*)*)"/y],
  // Characters precede lifetimes, because 'a' starts like a lifetime.
  ["literal", /b?'(?:\\u\{[^}]*\}|\\x[0-9a-fA-F]{2}|\\[\s\S]|[^'\\\n])'/uy],
  ["lifetime", /'(?:r#)?[\p{XID_Start}_]\p{XID_Continue}*/uy],
  ["name", /(?:r#)?(?<text>[\p{XID_Start}_]\p{XID_Continue}*)/uy],
  // Numbers have no dot, because `0..9` contains two numbers.
  ["literal", /[0-9][0-9a-zA-Z_]*/y],
  ["mark", /::/y],
];

/**
 * The tokens of a source file.
 * @param {string} source
 * @returns {Token[]}
 */
export function tokensOf(source) {
  /** @type {Token[]} */
  const tokens = [];
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const { kind, text, length } = next(source, at);
    if (kind) tokens.push({ kind, text, line });
    for (let i = at; i < at + length; i++) if (source[i] === "\n") line++;
    at += length;
  }
  return tokens;
}

/** The token at `at` and its length; skipped text has no kind. */
function next(source, at) {
  if (source.startsWith("/*", at)) return { length: blockComment(source, at) };
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) return { kind, text: found.groups?.text ?? found[0], length: found[0].length };
  }
  return { kind: "mark", text: source[at], length: 1 };
}

/** The length of a block comment, which may contain others. */
function blockComment(source, start) {
  let depth = 0;
  for (const edge of source.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.index + 2;
  }
  return source.length - start;
}
