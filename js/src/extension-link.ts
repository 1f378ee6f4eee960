// SPDX-License-Identifier: MIT
//
// extension-link.ts - linking an extension with an instance of an engine: its
// imports are the engine's memory, table and functions, and its functions go into
// the engine's table, at the same indexes on every host.
//
//  (1) Binding writes nothing to memory, so that it can be done to memory that
//      was restored. What an extension is, lies in memory; what it can do, here.
//  (2) Where the engine has its functions is asked of a new instance, once: memory
//      that a program could write to is not believed.

import { EXTENSION_FUNCTIONS } from "./abi.js";
import type { Engine } from "./engine.js";
import { EngineError, OutOfMemoryError, TorporError } from "./errors.js";
import { type Extension, refuseExtension } from "./extension.js";
import { moduleOf, type Needed } from "./extension-module.js";
import { readU32 } from "./format/bytes.js";
import { TABLE_EXTRA } from "./format/extensions.js";
import type { Instance } from "./instance.js";
import { giveInstance, takeInstance } from "./pool.js";
import { clearTable, growTable, type Linked } from "./extension-table.js";

// ---- What the engine has ---------------------------------------------------------

/** What an engine has for extensions. */
interface Offer {
  version: number;
  /** Table indexes, in the order of EXTENSION_FUNCTIONS. */
  functions: number[];
  /** Address of the counter of polls. */
  counter: number;
  /** Extensions that were found to fit. */
  fitting: WeakSet<Extension>;
}

const offers = new WeakMap<Engine, Offer>();
const FUNCTIONS_MOST = 4096;
const STRANGE = "what this engine says of its functions makes no sense; give the one of torpor-vm";

function offerOf(engine: Engine): Offer {
  let offer = offers.get(engine);
  if (offer === undefined) {
    const instance = takeInstance(engine);
    try {
      offer = askOffer(instance);
    } finally {
      giveInstance(instance);
    }
    offers.set(engine, offer);
  }
  return offer;
}

function askOffer(instance: Instance): Offer {
  let address: number;
  try {
    address = instance.exports.torpor_extension_functions() >>> 0;
  } catch (error) {
    if (error instanceof TorporError) throw error;
    instance.isHurt = true;
    throw new EngineError(STRANGE, { cause: error });
  }
  instance.look();
  const { u8, engine } = instance;
  const [version, count, counter] = [0, 1, 2].map((n) => instance.integer(n)) as [
    number,
    number,
    number,
  ];
  if (
    count > FUNCTIONS_MOST || address + 4 * count > u8.length || counter % 4 !== 0 ||
    counter + 4 > u8.length
  ) {
    throw new EngineError(STRANGE);
  }
  const functions = Array.from({ length: count }, (_, i) => readU32(u8, address + 4 * i));
  if (functions.some((index) => index >= engine.tableSize)) throw new EngineError(STRANGE);
  return { version, functions, counter, fitting: new WeakSet() };
}

let numbers: ReadonlyMap<string, number> | undefined;

/** The table index of one of the engine's functions; undefined: it has none of that name. */
function indexOf(offer: Offer, name: string): number | undefined {
  numbers ??= new Map(EXTENSION_FUNCTIONS.map((each, number) => [each, number]));
  const number = numbers.get(name);
  return number === undefined ? undefined : offer.functions[number];
}

function functionAt(instance: Instance, index: number): WebAssembly.ExportValue {
  return instance.exports.__indirect_function_table.get(index) ?? (() => {
    throw new EngineError(STRANGE);
  })();
}

// ---- Checking ---------------------------------------------------------------------

/** Refuses an extension that the engine of this instance lacks something for. */
export function checkFit(instance: Instance, name: string, extension: Extension): void {
  const offer = offerOf(instance.engine);
  if (offer.fitting.has(extension)) return;
  const { side } = extension;
  if (side.interface > offer.version) {
    refuseExtension(
      name,
      `is made for version ${side.interface} of the interface, this engine has ${offer.version}; use a newer one`,
    );
  }
  for (const address of side.addresses) {
    if (indexOf(offer, address) === undefined) {
      refuseExtension(
        name,
        `takes the address of '${address}', which is no function of the engine; link it with -Bsymbolic`,
      );
    }
  }
  const given: WebAssembly.ModuleImports = {};
  for (const { name: wanted } of side.needs) {
    const index = indexOf(offer, wanted);
    if (index === undefined) {
      refuseExtension(
        name,
        `needs the function '${wanted}', which this engine does not have; link what it uses into it, or use a newer engine`,
      );
    }
    given[wanted] = functionAt(instance, index);
  }
  if (!haveTypes(side.needs, extension, given)) {
    const wrong = side.needs.find((needed) => !haveTypes([needed], extension, given));
    if (wrong !== undefined) {
      refuseExtension(
        name,
        `takes '${wrong.name}' for a function of type ${wrong.type}, and it has another one; compile it with the headers of this version`,
      );
    }
  }
  offer.fitting.add(extension);
}

const IMPORT_SECTION = 2;

/** A number in five bytes. */
function fixedNumber(value: number): number[] {
  return [0, 7, 14, 21].map((shift) => ((value >>> shift) & 127) | 128).concat(value >>> 28);
}

/** Whether functions can be imported as they are wanted: a module that only does that is linked. */
function haveTypes(
  needs: readonly Needed[],
  { side }: Extension,
  given: WebAssembly.ModuleImports,
): boolean {
  const entries = needs.map(({ entry }) => entry);
  const size = entries.reduce((sum, entry) => sum + entry.length, 5);
  const head = Uint8Array.of(IMPORT_SECTION, ...fixedNumber(size), ...fixedNumber(needs.length));
  try {
    const module = new WebAssembly.Module(moduleOf(side.types, head, ...entries));
    new WebAssembly.Instance(module, { env: given });
    return true;
  } catch (error) {
    if (error instanceof WebAssembly.LinkError) return false;
    throw error;
  }
}

// ---- Binding ----------------------------------------------------------------------

function importsOf(instance: Instance, { extension, record }: Linked): WebAssembly.Imports {
  const { side } = extension;
  const { exports, engine } = instance;
  const offer = offerOf(engine);
  const fixed = (value: number) => new WebAssembly.Global({ value: "i32", mutable: false }, value);
  const env: WebAssembly.ModuleImports = {
    memory: exports.memory,
    __indirect_function_table: exports.__indirect_function_table,
    __stack_pointer: exports.__stack_pointer,
    __memory_base: fixed(record.memory),
    __table_base: fixed(record.table),
    __torpor_poll_counter: fixed(offer.counter),
  };
  for (const { name } of side.needs) env[name] = functionAt(instance, indexOf(offer, name)!);
  const got: WebAssembly.ModuleImports = {};
  for (const name of side.addresses) {
    got[name] = new WebAssembly.Global({ value: "i32", mutable: true }, indexOf(offer, name)!);
  }
  return { env, "GOT.func": got };
}

/** Puts an extension's functions where its record says. Gives what it exports. */
export function bind(instance: Instance, linked: Linked): WebAssembly.Exports {
  const { extension, record } = linked;
  checkFit(instance, record.name, extension);
  growTable(instance, record.table + record.tableSize + TABLE_EXTRA);
  let made: WebAssembly.Instance;
  try {
    made = new WebAssembly.Instance(extension.module, importsOf(instance, linked));
  } catch (error) {
    clearTable(instance, record.table);
    if (error instanceof WebAssembly.LinkError) {
      refuseExtension(record.name, `does not link: ${error.message}`, error);
    }
    if (error instanceof RangeError) {
      throw new OutOfMemoryError("the host has no memory for an extension", { cause: error });
    }
    // Its start function ran and failed.
    instance.isHurt = true;
    instance.hurtBy ??= error;
    throw instance.trapped(error);
  } finally {
    instance.look();
  }
  instance.bound++;
  instance.linked = [...instance.linked, linked];
  instance.tableSize = record.table + record.tableSize + TABLE_EXTRA;
  return made.exports;
}
