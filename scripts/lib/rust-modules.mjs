// Reads which modules a Rust crate has and which of them use which others: through `use`, through
// paths in the code, and through paths that attributes carry as strings (serde's `with`).
//
// A path is resolved to the deepest module on it that exists. A module that declares another does not
// use it; one that re-exports from it does. What is compiled for tests alone is left out. Paths that
// only a macro puts together are not seen.

import { dirname, join } from "node:path/posix";
import { tokensOf } from "./rust-tokens.mjs";

/** A source file that does not read as expected; its message says where. */
export class Unreadable extends Error {}

/**
 * A step from one file's module to another's: the modules' paths (`crate` for the root), and the first
 * place where it is taken.
 * @typedef {{ from: string, to: string, file: string, line: number, path: string }} Use
 */

/**
 * The modules of the crate whose root is this file that have files of their own, and how they use each
 * other. `read` returns the text of a file, or `undefined` where there is none.
 * @param {string} rootFile
 * @param {(path: string) => string | undefined} read
 * @returns {{ modules: string[], uses: Use[] }}
 */
export function readCrate(rootFile, read) {
  const root = newModule(undefined, "crate", rootFile);
  const modules = [];
  const pending = [{ module: root, childFolder: dirname(rootFile) }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const source = read(next.module.file);
    if (source === undefined) throw new Unreadable(`${next.module.file} cannot be read`);
    const reader = new Reader(tokensOf(source), next.module, next.childFolder, read);
    if (reader.isForTests()) next.module.parent?.children.delete(next.module.name);
    else {
      modules.push(...reader.modules);
      pending.push(...reader.declared);
    }
  }
  bindImports(modules);
  return { modules: [...new Set(modules.map(({ home }) => home.path))], uses: usesOf(modules) };
}

/**
 * A module. Its `home` is the module that its file belongs to, which is itself unless it stands in
 * braces in the file of another.
 */
function newModule(parent, name, file, inline = false) {
  const module = {
    name,
    parent,
    file,
    path: parent?.parent ? `${parent.path}::${name}` : name,
    children: new Map(),
    /** The modules that `use` brings into scope, by their names there. */
    imports: new Map(),
    /** Paths in the module: `{ segments, line, alias? }`, with an alias where `use` binds one. */
    paths: [],
  };
  module.home = inline ? parent.home : module;
  return module;
}

/** Keywords whose items end with a semicolon, whatever braces they hold. */
const endWithSemicolon = new Set(["use", "static", "type", "let", "extern"]);

/** Reads one file: its modules in braces, the modules that it declares, and the paths in each. */
class Reader {
  #tokens;
  #at = 0;
  #childFolder;
  #read;
  #exportsMacro = false;
  modules;
  declared = [];

  constructor(tokens, module, childFolder, read) {
    this.#tokens = tokens;
    this.#read = read;
    this.modules = [module];
    this.#childFolder = childFolder;
  }

  /** Reads all of it. Returns whether it is compiled for tests alone. */
  isForTests() {
    return this.#readBody(this.modules[0], this.#childFolder, this.#tokens.length);
  }

  /** Reads up to a token. Returns whether an inner attribute says that it is for tests alone. */
  #readBody(module, folder, end) {
    let pathAttribute;
    while (this.#at < end) {
      if (this.#is("#") && (this.#is("[", 1) || (this.#is("!", 1) && this.#is("[", 2)))) {
        const { inner, forTests, path } = this.#readAttribute(module);
        if (forTests && inner) return true;
        if (forTests) this.#skipItem(end);
        pathAttribute = path ?? pathAttribute;
      } else if (this.#is("mod") && this.#kind(1) === "name" && this.#is(";", 2)) {
        this.#declare(module, folder, pathAttribute);
        pathAttribute = undefined;
      } else if (this.#is("mod") && this.#kind(1) === "name" && this.#is("{", 2)) {
        this.#readInline(module, folder);
      } else if (this.#is("use") && !this.#is("<", 1)) {
        this.#at++;
        // What begins with `::` is of another crate.
        if (!this.#is("::")) this.#readUseTree(module, []);
      } else if (this.#is("pub") && this.#is("(", 1)) {
        // Whom a thing is visible to is not what the module uses.
        this.#at++;
        this.#at = this.#closing() + 1;
      } else if (this.#is("macro_rules") && this.#exportsMacro) {
        this.#exportsMacro = false;
        this.#readExportedMacro(module);
      } else this.#readPath(module);
    }
    return false;
  }

  #is(text, ahead = 0) {
    const token = this.#tokens[this.#at + ahead];
    return token?.text === text && (token.kind === "mark" || token.kind === "name");
  }

  #kind(ahead = 0) {
    return this.#tokens[this.#at + ahead]?.kind;
  }

  /** The place of the bracket that closes the one here. */
  #closing(from = this.#at) {
    let depth = 0;
    for (let at = from; at < this.#tokens.length; at++) {
      const { kind, text } = this.#tokens[at];
      if (kind !== "mark") continue;
      if ("([{".includes(text)) depth++;
      else if (")]}".includes(text) && --depth === 0) return at;
    }
    const { line } = this.#tokens[from];
    throw new Unreadable(`${this.modules[0].file}:${line} opens a bracket that nothing closes`);
  }

  #readAttribute(module) {
    const inner = this.#is("!", 1);
    const open = this.#at + (inner ? 2 : 1);
    const close = this.#closing(open);
    const parts = this.#tokens.slice(open + 1, close);
    const text = parts.map((part) => part.text).join("");
    this.#at = close + 1;
    if (text === "macro_export") this.#exportsMacro = true;
    if (parts[0]?.text !== "doc") {
      for (const part of parts.filter(({ kind }) => kind === "string")) {
        const segments = part.text.split("::");
        if (segments.length > 1 && segments.every((segment) => /^\w+$/.test(segment)))
          module.paths.push({ segments, line: part.line });
      }
    }
    return {
      inner,
      forTests: /^cfg\((?:test|all\((?:.*,)?test(?:,.*)?\)),?\)$/.test(text),
      path: parts[0]?.text === "path" ? parts[2]?.text : undefined,
    };
  }

  /** Passes over the item that an attribute stands before. */
  #skipItem(end) {
    while (this.#is("#")) this.#at = this.#closing(this.#at + 1) + 1;
    while (this.#is("pub") || this.#is("unsafe") || this.#is("async")) {
      this.#at++;
      if (this.#is("(")) this.#at = this.#closing() + 1;
    }
    const isConstant = this.#is("const") && !this.#is("fn", 1);
    const toSemicolon = isConstant || endWithSemicolon.has(this.#tokens[this.#at]?.text);
    for (; this.#at < end; this.#at++) {
      if (this.#is(";")) break;
      // The end of the struct, the list or the block that it stands in.
      if (this.#is("}") || this.#is(")") || this.#is("]")) return;
      if (!"([{".includes(this.#tokens[this.#at].text)) continue;
      const isBody = this.#is("{");
      this.#at = this.#closing();
      if (isBody && !toSemicolon) break;
    }
    this.#at++;
  }

  #declare(parent, folder, pathAttribute) {
    const { text: name, line } = this.#tokens[this.#at + 1];
    this.#at += 3;
    const { file } = parent;
    const candidates = pathAttribute
      ? [join(dirname(file), pathAttribute)]
      : [join(folder, `${name}.rs`), join(folder, name, "mod.rs")];
    const found = candidates.find((path) => this.#read(path) !== undefined);
    if (!found)
      throw new Unreadable(
        `${file}:${line} declares mod ${name}, but there is no ${candidates.join(" or ")}`,
      );
    const module = newModule(parent, name, found);
    parent.children.set(name, module);
    const childFolder = found.endsWith("/mod.rs") ? dirname(found) : found.replace(/\.rs$/, "");
    this.declared.push({ module, childFolder });
  }

  #readInline(parent, folder) {
    const name = this.#tokens[this.#at + 1].text;
    const module = parent.children.get(name) ?? newModule(parent, name, parent.file, true);
    parent.children.set(name, module);
    this.#at += 2;
    const end = this.#closing();
    this.#at++;
    this.modules.push(module);
    if (this.#readBody(module, join(folder, name), end)) {
      parent.children.delete(name);
      this.modules.splice(this.modules.indexOf(module), 1);
    }
    this.#at = end + 1;
  }

  /** Reads what follows `use`, or a part of it in braces, up to the mark that ends it. */
  #readUseTree(module, prefix) {
    const segments = [...prefix];
    let { line } = this.#tokens[this.#at];
    let alias;
    for (; this.#at < this.#tokens.length; this.#at++) {
      const { kind, text } = this.#tokens[this.#at];
      if (text === "{" && kind === "mark") {
        const end = this.#closing();
        this.#at++;
        while (this.#at < end) {
          this.#readUseTree(module, segments);
          if (this.#is(",")) this.#at++;
        }
        this.#at = end + 1;
        return;
      }
      if (this.#is(";") || this.#is(",") || this.#is("}")) break;
      if (this.#is("as")) {
        alias = this.#tokens[this.#at + 1].text;
        this.#at++;
      } else if (kind === "name" || text === "*") {
        segments.push(text);
        line = this.#tokens[this.#at].line;
      }
    }
    // `a::{self}` binds the name of `a`; `self` at the front is a path like any other.
    if (segments.length > 1 && segments.at(-1) === "self") segments.pop();
    const bound = alias ?? segments.at(-1);
    if (segments.length > 0) module.paths.push({ segments, line, alias: bound });
  }

  /** Reads a path, if one begins here, and goes on behind it. */
  #readPath(module) {
    const begins = this.#kind() === "name" && !this.#is("::", -1);
    const { line } = this.#tokens[this.#at];
    const segments = [this.#tokens[this.#at].text];
    this.#at++;
    while (begins && this.#is("::") && this.#kind(1) === "name") {
      segments.push(this.#tokens[this.#at + 1].text);
      this.#at += 2;
    }
    if (segments.length > 1) module.paths.push({ segments, line });
  }

  /** Reads a macro for other crates. Its `$crate` is how they reach this one, and no use within it. */
  #readExportedMacro(module) {
    // Within the crate its path begins at the root; it is of the module that declares it.
    const name = this.#tokens[this.#at + 2]?.text;
    const root = rootOf(module);
    root.macros ??= new Map();
    root.macros.set(name, module);
    while (!this.#is("{") && !this.#is("(")) this.#at++;
    const end = this.#closing();
    while (this.#at < end) {
      if (this.#is("$") && this.#is("crate", 1)) {
        this.#at += 2;
        while (this.#is("::") && this.#kind(1) === "name") this.#at += 2;
      } else this.#readPath(module);
    }
  }
}

/** Finds the modules that `use` brings into scope; a path may begin with one that another `use` brings. */
function bindImports(modules) {
  const imports = modules.flatMap((module) =>
    module.paths.filter(({ alias }) => alias && alias !== "_").map((path) => ({ module, path })),
  );
  for (let before = -1, bound = 0; bound !== before; ) {
    before = bound;
    bound = 0;
    for (const { module, path } of imports) {
      const { target, complete } = resolve(module, path.segments);
      if (!complete) continue;
      // Not under its own name again: `use self::child` binds what is there already.
      if (!module.children.has(path.alias)) module.imports.set(path.alias, target);
      bound++;
    }
  }
}

/** The deepest module on a path, and whether the whole path names it. None for paths of other crates. */
function resolve(module, segments) {
  let target;
  let at = 0;
  const [first] = segments;
  if (first === "crate") target = rootOf(module);
  else if (first === "self") target = module;
  else if (first === "super") target = module.parent;
  else target = module.children.get(first) ?? module.imports.get(first);
  for (at = 1; target && segments[at] === "super"; at++) target = target.parent;
  while (target?.children.has(segments[at])) target = target.children.get(segments[at++]);
  if (at === 1 && first === "crate") target = target.macros?.get(segments[1]) ?? target;
  return { target, complete: target !== undefined && at === segments.length };
}

function rootOf(module) {
  return module.parent ? rootOf(module.parent) : module;
}

/** How the modules with files of their own use each other; of several places the first in the file. */
function usesOf(modules) {
  const uses = new Map();
  for (const module of modules) {
    for (const { segments, line } of module.paths) {
      const to = resolve(module, segments).target?.home;
      const from = module.home;
      if (!to || to === from) continue;
      const key = `${from.path} ${to.path}`;
      const known = uses.get(key);
      if (known && known.line <= line) continue;
      const path = segments.join("::");
      uses.set(key, { from: from.path, to: to.path, file: module.file, line, path });
    }
  }
  return [...uses.values()];
}
