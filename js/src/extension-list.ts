// SPDX-License-Identifier: MIT
//
// extension-list.ts - the extensions of a VM: loading one more, and having those
// of a snapshot again when it wakes.
//
// What an extension's init function made may call its functions from then on. So
// one whose init failed stays linked, and is in the list like any other.

import { Status } from "./abi.js";
import type { Core } from "./core.js";
import type { Engine } from "./engine.js";
import { ExistsError, LimitError } from "./errors.js";
import { type GivenExtension, labelOf, refuseExtension } from "./extension.js";
import { bind, checkFit } from "./extension-link.js";
import { areSame, growTable, type Linked } from "./extension-table.js";
import { equalBytes } from "./format/bytes.js";
import { refuse } from "./format/container.js";
import { type ExtensionRecord, EXTENSIONS_MOST, TABLE_EXTRA } from "./format/extensions.js";
import { toHex } from "./format/hex.js";
import type { Instance } from "./instance.js";

/** An extension that a VM or a snapshot has. */
export interface ExtensionInfo {
  readonly name: string;
  /** As its module says; "" where it does not. */
  readonly version: string;
  /** The SHA-256 of its file, as hex. */
  readonly hash: string;
  /** Bytes of guest memory that its own data takes. */
  readonly memory: number;
  /** Entries of the function table that it has. */
  readonly functions: number;
}

export function extensionInfo(record: ExtensionRecord): ExtensionInfo {
  const { name, version, hash, memorySize, tableSize } = record;
  return { name, version, hash: toHex(hash), memory: memorySize, functions: tableSize };
}

function alignTo(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

// ---- Loading -------------------------------------------------------------------

/** Loads an extension into a VM that is awake, outside of guest code. */
export function loadExtension(core: Core, given: GivenExtension): void {
  const { name, extension } = given;
  core.begin();
  const { instance } = core;
  if (instance.linked.some((one) => one.record.name === name || one.extension === extension)) {
    throw new ExistsError(`the VM has ${labelOf(name)} already`);
  }
  if (instance.linked.length === EXTENSIONS_MOST) {
    throw new LimitError(`a VM has at most ${EXTENSIONS_MOST} extensions`);
  }
  checkFit(instance, name, extension);
  const { side, hash } = extension;
  const table = alignTo(instance.tableSize, side.tableAlign);
  growTable(instance, table + side.tableSize + TABLE_EXTRA);
  const record: ExtensionRecord = {
    name,
    version: side.version,
    hash,
    memory: allocate(core, name, side.memorySize, side.memoryAlign),
    memorySize: side.memorySize,
    table,
    tableSize: side.tableSize,
  };
  const exports = bind(instance, { extension, record });
  place(instance, { extension, record });
  start(core, given, record, exports);
}

/** Zeroed memory for its data. */
function allocate(core: Core, name: string, size: number, align: number): number {
  const status = core.enter(() => core.exports.torpor_extension_memory(size, align));
  if (status === Status.THROWN) {
    core.takeException().dispose();
    throw new LimitError(
      `the VM has no memory for the ${size} bytes of the extension '${name}'; raise memoryLimit`,
    );
  }
  core.check(status);
  const { instance } = core;
  const address = instance.integer(0);
  if (size !== 0 && (address === 0 || address % align !== 0)) instance.damaged("its heap");
  return instance.range(address, size, "memory of an extension");
}

function place(instance: Instance, { extension, record }: Linked): void {
  for (const { offset, bytes } of extension.side.data) {
    instance.u8.set(bytes, record.memory + offset);
  }
}

/** Runs its relocations, constructors and init function, through three entries of the table. */
function start(
  core: Core,
  { name, initFn }: GivenExtension,
  { table, tableSize }: ExtensionRecord,
  exports: WebAssembly.Exports,
): void {
  const entries = core.exports.__indirect_function_table;
  const first = table + tableSize;
  const slots = ["__wasm_apply_data_relocs", "__wasm_call_ctors", initFn].map((fn, i) => {
    const given = exports[fn];
    if (typeof given !== "function") return 0;
    entries.set(first + i, given);
    return first + i;
  }) as [number, number, number];
  let status: number;
  try {
    status = core.enter(() => core.exports.torpor_extension_start(...slots));
  } finally {
    for (let i = 0; i < TABLE_EXTRA; i++) entries.set(first + i, null);
  }
  if (status !== Status.THROWN) return core.check(status);
  const thrown = core.takeException();
  const error = core.errors.thrown(thrown);
  refuseExtension(name, `could not be initialised: ${error.message}`, error);
}

// ---- Waking --------------------------------------------------------------------

/** The extensions of a snapshot, found among those that were given. */
export function matchExtensions(
  records: readonly ExtensionRecord[],
  given: readonly GivenExtension[],
): Linked[] {
  const linked = records.map((record) => matchOne(record, given));
  const known = new Set(records.map(({ name }) => name));
  for (const { name } of given) {
    if (!known.has(name)) {
      refuseExtension(
        name,
        "is not in the snapshot; leave it out, and load it with vm.loadExtension afterwards",
      );
    }
  }
  given.forEach(({ name }, i) => {
    if (records[i]?.name === name) return;
    const order = records.map((record) => record.name).join(", ");
    refuseExtension(name, `is at another place than in the snapshot; give them as ${order}`);
  });
  return linked;
}

function matchOne(record: ExtensionRecord, given: readonly GivenExtension[]): Linked {
  const { name, version, hash } = record;
  const found = given.find((one) => one.name === name);
  if (found === undefined) {
    refuseExtension(
      name,
      `is missing (version ${version || "unknown"}, SHA-256 ${
        toHex(hash)
      }); the snapshot was made with it: give it in the option 'extensions'`,
    );
  }
  const { extension } = found;
  if (!equalBytes(extension.hash, hash)) {
    refuseExtension(
      name,
      `is another one than that of the snapshot (version ${version || "unknown"}, SHA-256 ${
        toHex(hash)
      }; given: ${extension.side.version || "unknown"}, ${
        toHex(extension.hash)
      }); give that very file`,
    );
  }
  return { extension, record };
}

/** Refuses records whose numbers are not those that loading would have given. */
export function checkRecords(
  linked: readonly Linked[],
  engine: Engine,
  memorySize: number,
): void {
  let table = engine.tableSize;
  for (const { extension: { side }, record } of linked) {
    const { memory } = record;
    const isPlaced = side.memorySize === 0
      ? memory === 0
      : memory % side.memoryAlign === 0 && memory >= engine.stackSize &&
        memory + side.memorySize <= memorySize;
    if (
      !isPlaced || record.version !== side.version || record.memorySize !== side.memorySize ||
      record.tableSize !== side.tableSize ||
      record.table !== alignTo(table, side.tableAlign)
    ) {
      refuse(`the numbers of its extension '${record.name}'`);
    }
    table = record.table + record.tableSize + TABLE_EXTRA;
  }
}

/**
 * Binds what was matched to an instance that has the memory of the snapshot, and either no
 * extensions or just these.
 */
export function bindAll(instance: Instance, linked: readonly Linked[]): void {
  if (areSame(instance.linked, linked)) {
    instance.linked = linked;
    return;
  }
  for (const one of linked) bind(instance, one);
}
