// Parses a WebAssembly module: its sections, and its functions with their names if the module has
// names. Also writes a module with other names.

const sectionNames = [
  "custom",
  "types",
  "imports",
  "function types",
  "tables",
  "memory",
  "globals",
  "exports",
  "start",
  "tables' contents",
  "code",
  "data",
  "data count",
];

const ids = { custom: 0, imports: 2, code: 10 };
const importedFunction = 0;
const functionNames = 1;
const headerLength = 8;

/**
 * The sections, each `{ name, content }`, the imported functions, each `{ name }`, and the functions,
 * each `{ name, body }`. The name of a function is `undefined` if the module has none. A custom section
 * has its own name.
 */
export function readModule(module) {
  const sections = readSections(module);
  const names = readNames(sections.find(isNames)?.content);
  const count = countImportedFunctions(sections.find(({ id }) => id === ids.imports)?.content);
  const imported = Array.from({ length: count }, (_, index) => ({ name: names.get(index) }));
  const functions = readBodies(sections.find(({ id }) => id === ids.code)?.content).map(
    (body, index) => ({ name: names.get(count + index), body }),
  );
  return {
    sections: sections.map(({ name, content }) => ({ name, content: content.bytes() })),
    imported,
    functions,
  };
}

/**
 * The module with these names of its functions, imported functions first; those without a name are
 * empty or `undefined`. All its other names are left out: of local variables, for example.
 */
export function withFunctionNames(module, names) {
  const others = readSections(module).filter((each) => !isNames(each));
  const sections = others.map(({ id, content }) => section(id, content.bytes()));
  const named = [...names.entries()].filter(([, name]) => name);
  if (named.length > 0) {
    const entries = named.map(([index, name]) => Buffer.concat([number(index), text(name)]));
    const list = Buffer.concat([number(named.length), ...entries]);
    const content = Buffer.concat([text("name"), section(functionNames, list)]);
    sections.push(section(ids.custom, content));
  }
  return Buffer.concat([module.subarray(0, headerLength), ...sections]);
}

function readSections(module) {
  const reader = new Reader(module, headerLength, module.length);
  const sections = [];
  while (!reader.atEnd) {
    const id = reader.byte();
    const content = reader.part(reader.number());
    const name = id === ids.custom ? content.text() : (sectionNames[id] ?? `section ${id}`);
    sections.push({ id, name, content });
  }
  return sections;
}

function isNames({ id, name }) {
  return id === ids.custom && name === "name";
}

function readNames(section) {
  const names = new Map();
  while (section && !section.atEnd) {
    const kind = section.byte();
    const part = section.part(section.number());
    if (kind !== functionNames) continue;
    for (let left = part.number(); left > 0; left--) names.set(part.number(), part.text());
  }
  return names;
}

/** The numbers of functions start with the imported functions. */
function countImportedFunctions(section) {
  let count = 0;
  for (let left = section?.number() ?? 0; left > 0; left--) {
    section.text();
    section.text();
    // The bindings import functions only; memory and tables belong to the module.
    const kind = section.byte();
    if (kind !== importedFunction) throw new Error(`an import of kind ${kind} is not expected`);
    section.number();
    count++;
  }
  return count;
}

function readBodies(section) {
  const bodies = [];
  for (let left = section?.number() ?? 0; left > 0; left--)
    bodies.push(section.part(section.number()).bytes());
  return bodies;
}

/** A part of a module, which is read from start to end. */
class Reader {
  #module;
  #position;
  #start;
  #end;

  constructor(module, start, end) {
    this.#module = module;
    this.#start = start;
    this.#position = start;
    this.#end = end;
  }

  get atEnd() {
    return this.#position >= this.#end;
  }

  /** The complete content, whatever was read of it. */
  bytes() {
    return this.#module.subarray(this.#start, this.#end);
  }

  byte() {
    return this.#module[this.#position++];
  }

  /** An unsigned number in LEB128. */
  number() {
    let value = 0;
    let factor = 1;
    let byte;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    } while (byte & 0x80);
    return value;
  }

  text() {
    return this.part(this.number()).bytes().toString("utf8");
  }

  /** The next bytes, as a separate part. */
  part(length) {
    const start = this.#position;
    this.#position += length;
    return new Reader(this.#module, start, this.#position);
  }
}

/** A section, or a part of the names, which has the same form. */
function section(id, content) {
  return Buffer.concat([Buffer.of(id), number(content.length), content]);
}

/** An unsigned number in LEB128. */
function number(value) {
  const bytes = [];
  let left = value;
  while (left >= 0x80) {
    bytes.push((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  return Buffer.of(...bytes, left);
}

function text(value) {
  const content = Buffer.from(value);
  return Buffer.concat([number(content.length), content]);
}
