// SPDX-License-Identifier: MIT
//
// extension-module.ts - what the bytes of an extension say: a WebAssembly side
// module (dylink.0), read and checked before anything of it is compiled.
//
// Its data is taken out: the host puts it into memory when the extension is
// loaded, and never when a VM wakes, whose memory has it already. What is left
// is compiled, and writes to no memory when an instance of it is made.

import { type Body, checkCode, readStart, type Start } from "./extension-code.js";
import { malformed, ModuleReader, unfit } from "./extension-bytes.js";

/** Types of parameters and results, in words: "(i32, i64) -> i32". */
export type FunctionType = string;

/** A function that is imported. */
export interface Needed {
  name: string;
  type: FunctionType;
  /** Where in the import section it stands. */
  entry: Uint8Array;
}

/** Bytes that are put at an offset of the extension's memory. */
export interface Data {
  offset: number;
  bytes: Uint8Array;
}

/** A side module. */
export interface SideModule {
  /** What it calls itself; undefined: it does not say. */
  name: string | undefined;
  version: string;
  /** The version of the interface that it was compiled for. */
  interface: number;
  /** Its loops poll. */
  isInstrumented: boolean;
  /** An instance of it remembers nothing: all that it knows is in the VM's memory. */
  isStateless: boolean;
  memorySize: number;
  memoryAlign: number;
  tableSize: number;
  tableAlign: number;
  needs: Needed[];
  /** The functions of the engine whose table indexes it imports. */
  addresses: string[];
  /** The functions that it exports. */
  exports: Map<string, FunctionType>;
  data: Data[];
  /** The type section, whole. */
  types: Uint8Array;
  /** The module without its data. */
  code: Uint8Array<ArrayBuffer>;
}

const HEADER = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const NOT_SIDE =
  "is not a side module (it has no section dylink.0 at its beginning); build it with 'torpor extension build'";

const CUSTOM = 0, TYPE = 1, IMPORT = 2, FUNCTION = 3, GLOBAL = 6, EXPORT = 7, START = 8;
const ELEMENT = 9, CODE = 10, DATA = 11, DATA_COUNT = 12;
/** Where each section stands among the others; those that are not here are refused. */
const PLACES = [0, 1, 2, 3, 0, 0, 4, 5, 6, 7, 9, 10, 8];

const I32 = 0x7f, FUNCREF = 0x70;
const TYPE_NAMES: Record<number, string> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

const NAME = /^[a-z0-9-]{1,63}$/;
const VERSION = /^[\x20-\x7e]{0,63}$/;
/** Globals that are imported from "env", and whether they are mutable. */
const GLOBALS: Record<string, number> = {
  __stack_pointer: 1,
  __memory_base: 0,
  __table_base: 0,
  __torpor_poll_counter: 0,
};
const MEMORY_LARGEST = 256 << 20;
const TABLE_LARGEST = 1 << 20;
const ALIGN_LARGEST = 16;
const PAGE = 65536;

const NO_START: Start = { functions: new Set(), reads: new Set() };

class Reading {
  readonly side: SideModule;
  private readonly types: FunctionType[] = [];
  /** The type of each function: of the imported ones, then of its own. */
  private readonly functions: number[] = [];
  private globals = 0;
  private memoryBase = -1;
  private tableBase = -1;
  private said = false;
  private start = -1;
  private bodies: Body[] = [];
  private stackPointer = -1;

  constructor(side: SideModule) {
    this.side = side;
  }

  section(id: number, section: ModuleReader): void {
    if (id === TYPE) this.readTypes(section);
    else if (id === IMPORT) this.readImports(section);
    else if (id === FUNCTION) this.readFunctions(section);
    else if (id === EXPORT) this.readExports(section);
    else if (id === ELEMENT) this.readElements(section);
    else if (id === CODE) this.bodies = checkCode(section);
    else if (id === START) this.start = section.u32();
    else if (id === DATA) this.readData(section);
    else if (id === GLOBAL || id === DATA_COUNT) return;
    section.finish();
  }

  private typeAt(index: number): FunctionType {
    return this.types[index] ?? malformed("the type of a function");
  }

  private readTypes(section: ModuleReader): void {
    const types = (): string => {
      const names: string[] = [];
      for (let count = section.count(); count > 0; count--) {
        names.push(TYPE_NAMES[section.byte()] ?? unfit("has types that this host does not know"));
      }
      return names.join(", ");
    };
    for (let count = section.count(); count > 0; count--) {
      if (section.byte() !== 0x60) unfit("has types that this host does not know");
      const parameters = types();
      this.types.push(`(${parameters}) -> ${types() || "nothing"}`);
    }
  }

  // ---- Imports ----------------------------------------------------------------

  private readImports(section: ModuleReader): void {
    for (let count = section.count(); count > 0; count--) {
      const start = section.at;
      const from = section.name();
      const name = section.name();
      const kind = section.byte();
      if (from === "GOT.mem") {
        unfit(`imports the address of its own data '${name}' (GOT.mem); link it with -Bsymbolic`);
      }
      if (from.startsWith("wasi")) {
        unfit(`calls the operating system ('${name}'), of which there is none in a VM`);
      }
      if (from !== "env" && from !== "GOT.func") {
        unfit(`imports '${name}' from '${from}'; an extension has only the engine's functions`);
      }
      if (kind === 0) this.readNeeded(section, from, name, start);
      else if (kind === 1) this.readTable(section, from, name);
      else if (kind === 2) this.readMemory(section, from, name);
      else if (kind === 3) this.readGlobal(section, from, name);
      else {unfit(
          `imports '${name}' of a kind that extensions do not have; compile it without exceptions`,
        );}
    }
  }

  private readNeeded(section: ModuleReader, from: string, name: string, start: number): void {
    if (from !== "env") unfit(`imports '${name}' from '${from}' as a function; link it anew`);
    const index = section.u32();
    const type = this.typeAt(index);
    this.functions.push(index);
    const entry = section.bytes.slice(start, section.at);
    this.side.needs.push({ name, type, entry });
  }

  private readTable(section: ModuleReader, from: string, name: string): void {
    const type = section.byte();
    const flags = section.byte();
    const least = section.u32();
    if (
      from !== "env" || name !== "__indirect_function_table" || type !== FUNCREF || flags !== 0 ||
      least > this.side.tableSize + 1
    ) {
      unfit(`imports a table '${name}' of another type than the engine's; link it anew`);
    }
  }

  private readMemory(section: ModuleReader, from: string, name: string): void {
    const flags = section.byte();
    const least = section.u32();
    if (
      from !== "env" || name !== "memory" || flags !== 0 ||
      least > Math.ceil(this.side.memorySize / PAGE) + 1
    ) {
      unfit(`imports a memory '${name}' of another type than the engine's; link it anew`);
    }
  }

  private readGlobal(section: ModuleReader, from: string, name: string): void {
    const type = section.byte();
    const mutable = section.byte();
    const index = this.globals++;
    if (from === "GOT.func") {
      if (type !== I32 || mutable !== 1) unfit(`imports '${name}' from GOT.func with another type`);
      this.side.addresses.push(name);
      return;
    }
    if (!Object.hasOwn(GLOBALS, name) || type !== I32 || mutable !== GLOBALS[name]) {
      unfit(`imports a global '${name}' that a VM does not have; link it with -Bsymbolic`);
    }
    if (name === "__stack_pointer") this.stackPointer = index;
    if (name === "__memory_base") this.memoryBase = index;
    if (name === "__table_base") this.tableBase = index;
  }

  // ---- Functions ----------------------------------------------------------------

  private readFunctions(section: ModuleReader): void {
    for (let count = section.count(); count > 0; count--) this.functions.push(section.u32());
  }

  private readExports(section: ModuleReader): void {
    for (let count = section.count(); count > 0; count--) {
      const name = section.name();
      const kind = section.byte();
      const index = section.u32();
      if (kind !== 0) continue;
      const type = this.functions[index] ?? malformed("an export");
      this.side.exports.set(name, this.typeAt(type));
    }
  }

  // ---- What is put into table and memory --------------------------------------------

  /** An offset from the base that the global has. */
  private readOffset(section: ModuleReader, base: number, what: string): number {
    const strange =
      `says where its ${what} go in a way that wasm-ld does not; link it with -shared`;
    let offset = 0;
    if (section.byte() !== 0x23 || section.u32() !== base) unfit(strange);
    let next = section.byte();
    if (next === 0x41) {
      offset = section.i32();
      if (section.byte() !== 0x6a) unfit(strange);
      next = section.byte();
    }
    if (next !== 0x0b) unfit(strange);
    return offset;
  }

  private readElements(section: ModuleReader): void {
    for (let count = section.count(); count > 0; count--) {
      const flags = section.u32();
      if (flags !== 0 && flags !== 2) unfit("has elements that are not put into the table at once");
      if (flags === 2 && section.u32() !== 0) unfit("has a table of its own");
      const offset = this.readOffset(section, this.tableBase, "elements");
      if (flags === 2 && section.byte() !== 0) malformed("its elements");
      const size = section.count();
      for (let i = 0; i < size; i++) section.skipNumber();
      if (offset < 0 || offset + size > this.side.tableSize) malformed("the place of its elements");
    }
  }

  private readData(section: ModuleReader): void {
    for (let count = section.count(); count > 0; count--) {
      const flags = section.u32();
      if (flags !== 0) {
        unfit("has data that is not placed at once; link it without --shared-memory");
      }
      const offset = this.readOffset(section, this.memoryBase, "data");
      const bytes = section.take(section.u32());
      if (offset < 0 || offset + bytes.length > this.side.memorySize) {
        malformed("the place of its data");
      }
      this.side.data.push({ offset, bytes });
    }
  }

  /** Has been read whole. */
  finish(): void {
    const { side, start } = this;
    for (const { name } of side.needs) {
      if (side.exports.has(name)) {
        unfit(`imports its own function '${name}'; link it with -Bsymbolic`);
      }
    }
    side.isStateless = this.isStateless(start < 0 ? NO_START : this.startOf(start));
  }

  private startOf(start: number): Start {
    return readStart(this.bodies, this.side.needs.length, start) ?? unfit(
      "does more than set its globals when an instance of it is made, which is done also where a VM wakes; " +
        "compile it with -fno-zero-initialized-in-bss",
    );
  }

  /** Its own globals are what its start function makes of its bases, at any time. */
  private isStateless({ functions, reads }: Start): boolean {
    const bases = [this.memoryBase, this.tableBase];
    const first = this.side.needs.length;
    return [...reads].every((index) => bases.includes(index)) &&
      this.bodies.every(({ sets }, i) =>
        functions.has(first + i) || [...sets].every((index) => index === this.stackPointer)
      );
  }

  // ---- Custom sections ------------------------------------------------------------

  custom(name: string, section: ModuleReader): void {
    if (name === "torpor.instrumented") this.side.isInstrumented = true;
    if (name === "torpor.extension") this.readSaid(section);
  }

  /** Lines of "key=value". Unknown keys are left to later versions. */
  private readSaid(section: ModuleReader): void {
    const { side } = this;
    if (this.said) unfit("says twice what it is (TORPOR_EXTENSION); once is right");
    this.said = true;
    side.interface = 0;
    const seen = new Set<string>();
    for (const line of textOf(section).split("\n")) {
      const [, key, value] = /^([a-z]+)=(.*)$/.exec(line) ?? [];
      if (key === undefined || value === undefined) continue;
      if (seen.has(key)) unfit("says twice what it is (TORPOR_EXTENSION); once is right");
      seen.add(key);
      if (key === "interface") side.interface = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : 0;
      else if (key === "name") side.name = value;
      else if (key === "version") side.version = value;
    }
    if (
      side.name === undefined || !NAME.test(side.name) || side.interface === 0 ||
      !VERSION.test(side.version)
    ) {
      unfit(
        "does not say what it is: TORPOR_EXTENSION takes a name of small letters, digits and '-', and a version",
      );
    }
  }
}

function textOf(section: ModuleReader): string {
  return new TextDecoder().decode(section.take(section.end - section.at));
}

/** The section dylink.0: how much memory and table it needs. */
function readDylink(section: ModuleReader): Partial<SideModule> {
  let found: Partial<SideModule> | undefined;
  while (!section.isDone) {
    const type = section.byte();
    const part = section.part(section.u32());
    if (type === 1) {
      found = readSizes(part);
    } else if (type === 2 && part.u32() !== 0) {
      unfit(`needs another module ('${part.name()}'); link all that it uses into it`);
    }
  }
  return found ?? unfit(NOT_SIDE);
}

function readSizes(part: ModuleReader): Partial<SideModule> {
  const memorySize = part.u32();
  const memoryAlign = part.u32();
  const tableSize = part.u32();
  const tableAlign = part.u32();
  part.finish();
  if (memorySize > MEMORY_LARGEST || tableSize > TABLE_LARGEST) {
    unfit(
      `wants ${memorySize} bytes of memory and ${tableSize} entries of the function table; the most is ${MEMORY_LARGEST} and ${TABLE_LARGEST}`,
    );
  }
  if (memoryAlign > ALIGN_LARGEST || tableAlign > ALIGN_LARGEST) {
    unfit("wants to be aligned to more than 64 KiB");
  }
  return {
    memorySize,
    memoryAlign: 2 ** memoryAlign,
    tableSize,
    tableAlign: 2 ** tableAlign,
  };
}

function emptyModule(sizes: Partial<SideModule>): SideModule {
  return {
    name: undefined,
    version: "",
    interface: 1,
    isInstrumented: false,
    isStateless: false,
    memorySize: 0,
    memoryAlign: 1,
    tableSize: 0,
    tableAlign: 1,
    needs: [],
    addresses: [],
    exports: new Map(),
    data: [],
    types: new Uint8Array(),
    code: new Uint8Array(),
    ...sizes,
  };
}

function checkHeader(reader: ModuleReader): void {
  for (const byte of HEADER) {
    if (reader.isDone || reader.byte() !== byte) {
      unfit("is not a WebAssembly module; give the bytes of a .wasm file");
    }
  }
}

/** Reads a module that may be anything; an UnfitError says why it cannot be an extension. */
export function readSideModule(bytes: Uint8Array): SideModule {
  const reader = new ModuleReader(bytes);
  checkHeader(reader);
  let reading: Reading | undefined;
  const kept: Uint8Array[] = [HEADER];
  let last = 0;
  while (!reader.isDone) {
    const start = reader.at;
    const id = reader.byte();
    const section = reader.part(reader.u32());
    if (id === CUSTOM) {
      const name = section.name();
      if (reading === undefined) {
        if (name !== "dylink.0") unfit(NOT_SIDE);
        reading = new Reading(emptyModule(readDylink(section)));
      } else reading.custom(name, section);
      continue;
    }
    if (reading === undefined) unfit(NOT_SIDE);
    const place = PLACES[id] ?? 0;
    if (place === 0) {
      unfit(`has a section that extensions do not have (${id}): link it with -shared`);
    }
    if (place <= last) malformed("the order of its sections");
    last = place;
    reading.section(id, section);
    const whole = bytes.subarray(start, reader.at);
    if (id === TYPE) reading.side.types = whole.slice();
    if (id !== DATA && id !== DATA_COUNT) kept.push(whole);
  }
  if (reading === undefined) unfit(NOT_SIDE);
  reading.finish();
  reading.side.code = join(kept);
  return reading.side;
}

/** The bytes of a module that has these sections. */
export function moduleOf(...sections: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return join([HEADER, ...sections]);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
