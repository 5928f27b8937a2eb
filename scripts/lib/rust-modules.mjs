// Reads the modules of a Rust crate and the uses between them: in `use` declarations, in paths in
// the code, and in paths in the strings of attributes (serde's `with`).
//
// A path is resolved to the deepest existing module in it. Declaring a module is not a use of it; a
// re-export is. Code that is compiled for tests only is skipped. Paths that only a macro constructs
// are not detected.

import { dirname, join } from "node:path/posix";
import { tokensOf } from "./rust-tokens.mjs";

/** A source file that cannot be parsed; the message has the location. */
export class Unreadable extends Error {}

/**
 * A use of a module by another: the paths of both modules (`crate` for the root), and its first
 * location.
 * @typedef {{ from: string, to: string, file: string, line: number, path: string }} Use
 */

/**
 * The modules with separate files of a crate, and the uses between them. `rootFile` is the root of
 * the crate. `read` returns the text of a file, or `undefined` if it does not exist.
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
 * A module. `home` is the module of the file that contains it: the module itself, unless it is an
 * inline module.
 */
function newModule(parent, name, file, inline = false) {
  const module = {
    name,
    parent,
    file,
    path: parent?.parent ? `${parent.path}::${name}` : name,
    children: new Map(),
    /** The modules that `use` brings into scope, by name. */
    imports: new Map(),
    /** Paths in the module: `{ segments, line, alias? }`, with an alias if `use` binds one. */
    paths: [],
  };
  module.home = inline ? parent.home : module;
  return module;
}

/** Keywords whose items end with a semicolon, even after braces. */
const endWithSemicolon = new Set(["use", "static", "type", "let", "extern"]);

/** Parses a file: its inline modules, the modules that it declares, and the paths in each. */
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

  /** Parses the file. Returns whether it is compiled for tests only. */
  isForTests() {
    return this.#readBody(this.modules[0], this.#childFolder, this.#tokens.length);
  }

  /**
   * Parses up to a token. Returns whether an inner attribute compiles the module for tests only.
   */
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
        // A path that starts with `::` belongs to another crate.
        if (!this.#is("::")) this.#readUseTree(module, []);
      } else if (this.#is("pub") && this.#is("(", 1)) {
        // The path in a visibility is not a use.
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

  /** The index of the bracket that closes the current one. */
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

  /** Skips the item after an attribute. */
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
      // The end of the enclosing struct, list or block.
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

  /** Parses a `use` tree, or a part of it in braces, up to its end. */
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
    // `a::{self}` binds the name of `a`; `self` at the start is an ordinary path.
    if (segments.length > 1 && segments.at(-1) === "self") segments.pop();
    const bound = alias ?? segments.at(-1);
    if (segments.length > 0) module.paths.push({ segments, line, alias: bound });
  }

  /** Parses a path if one starts here, and moves behind it. */
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

  /**
   * Parses a macro for other crates. `$crate` in it is the access of other crates, and not a use.
   */
  #readExportedMacro(module) {
    // Within the crate the path of the macro starts at the root, and stands for the module that
    // declares it.
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

/**
 * Finds the modules that `use` brings into scope. A path may start with a name that another `use`
 * binds.
 */
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
      // `use self::child` binds an existing child, which is not bound twice.
      if (!module.children.has(path.alias)) module.imports.set(path.alias, target);
      bound++;
    }
  }
}

/**
 * The deepest module in a path, and whether the whole path is a module; no target for paths of
 * other crates.
 */
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

/** The uses between modules with separate files, each with its first location in a file. */
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
