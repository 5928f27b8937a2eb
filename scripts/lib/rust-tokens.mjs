// Splits Rust source into tokens, as far as reading paths out of it needs them: comments and doc
// comments are dropped, and what stands in strings or characters is never taken for code.

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

/** What a token may look like, in the order in which it is tried. Without a kind it is none. */
const patterns = [
  [undefined, /\s+|\/\/[^\n]*/y],
  ["string", /[bc]?r(?<hashes>#*)"(?<text>[\s\S]*?)"\k<hashes>/y],
  ["string", /[bc]?"(?<text>[^"\\]*(?:\\[\s\S][^"\\]*)*)"/y],
  // Before lifetimes, as 'a' begins like one.
  ["literal", /b?'(?:\\u\{[^}]*\}|\\x[0-9a-fA-F]{2}|\\[\s\S]|[^'\\\n])'/uy],
  ["lifetime", /'(?:r#)?[\p{XID_Start}_]\p{XID_Continue}*/uy],
  ["name", /(?:r#)?(?<text>[\p{XID_Start}_]\p{XID_Continue}*)/uy],
  // Without a dot, which would join the numbers of `0..9`.
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

/** What stands at `at`, and its length. It is no token where it has no kind. */
function next(source, at) {
  if (source.startsWith("/*", at)) return { length: blockComment(source, at) };
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) return { kind, text: found.groups?.text ?? found[0], length: found[0].length };
  }
  return { kind: "mark", text: source[at], length: 1 };
}

/** The length of a block comment, which may hold others. */
function blockComment(source, start) {
  let depth = 0;
  for (const edge of source.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.index + 2;
  }
  return source.length - start;
}
