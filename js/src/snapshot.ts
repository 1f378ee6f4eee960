// SPDX-License-Identifier: MIT
//
// snapshot.ts - putting a VM to sleep, and waking it.
//
// A snapshot is guest memory, as its difference from the baseline or from an
// earlier snapshot, and the little outside of it that the guest can observe:
// globals, table size. Host functions are not stored: they are bound again by
// name. Pending operations lie in memory, and are listed once more, so that
// they can be read without an engine. Bytes: docs/snapshot-format.md.
//
//  (1) Saved only between turns, so that no guest frame is on the stack: who
//      calls this has made sure.
//  (2) Saving changes nothing in the VM.
//  (3) Equal memory gives equal bytes, those that the C library writes.

import { CONTROL_HEAP_BREAK } from "./abi.js";
import type { Engine } from "./engine.js";
import { Parts, readU32, writeU32 } from "./format/bytes.js";
import {
  AT_PAGES,
  AT_SECTIONS,
  CHECKSUM_SIZE,
  GLOBALS_SIZE,
  METHOD_STORED,
  SECTION_EXTENSIONS,
  SECTION_GLOBALS,
  SECTION_MEMORY,
  SECTION_OPERATIONS,
  SECTION_SIZE,
  SECTION_WAITING,
  WASM_PAGE,
} from "./format/format.js";
import { writeExtensions } from "./format/extensions.js";
import { writeOperations } from "./format/operations.js";
import { forgetKept, noteRestored, recall, rename } from "./format/remembered.js";
import { HEAD_ROOM, Scanner } from "./format/scanner.js";
import { makeHeader, makeSectionHead, SnapshotWriter } from "./format/writer.js";
import type { Instance } from "./instance.js";
import type { Linked } from "./extension-table.js";
import type { Loaded } from "./format/loaded.js";

export { Loaded, loadSnapshot, needsZstd } from "./format/loaded.js";
export { forget as forgetSnapshots } from "./format/remembered.js";

export interface SaveOptions {
  /**
   * Save the difference from this earlier snapshot, or from the end of this
   * chain of them: size and time depend on what changed since.
   */
  since?: Uint8Array | readonly Uint8Array[];
  /** Where suspended functions wait: CBOR, as torpor_inspect gives it. */
  waiting?: Uint8Array;
}

// ---- Small ones -------------------------------------------------------------

/** What an engine's snapshots are made with. */
class Maker {
  readonly scanner: Scanner;
  /** By the list of extensions: all that stands before the operations. */
  private readonly fronts = new WeakMap<readonly Linked[], Uint8Array>();
  private readonly front: Uint8Array;

  constructor(engine: Engine) {
    this.scanner = new Scanner(engine);
    this.front = makeFront(engine, engine.tableSize, []);
  }

  private frontOf({ engine, linked, tableSize }: Instance): Uint8Array {
    if (linked.length === 0) return this.front;
    let front = this.fronts.get(linked);
    if (front === undefined) {
      this.fronts.set(linked, front = makeFront(engine, tableSize, linked));
    }
    return front;
  }

  /** A whole snapshot of a VM that is not large, made in the helper. */
  saveSmall(
    instance: Instance,
    limit: number,
    operations: Parts,
    waiting: Uint8Array | undefined,
  ): Uint8Array<ArrayBuffer> | undefined {
    const { helper, out } = this.scanner;
    const { u8 } = helper;
    const front = this.frontOf(instance);
    const middle = waiting ? SECTION_SIZE + waiting.length : 0;
    const size = front.length + operations.size + middle + SECTION_SIZE;
    if (size > HEAD_ROOM) return undefined;
    const start = out - size;
    const end = this.scanner.writeSmall(instance.u8, limit);
    u8.set(front, start);
    writeU32(u8, start + AT_PAGES, instance.u8.length / WASM_PAGE);
    writeU32(u8, start + AT_SECTIONS, 3 + (waiting ? 1 : 0) + (instance.linked.length ? 1 : 0));
    writeSizes(u8, start + front.length - SECTION_SIZE, operations.size);
    operations.copy(u8, start + front.length);
    if (waiting) {
      const at = out - SECTION_SIZE - middle;
      u8.set(makeSectionHead(SECTION_WAITING, METHOD_STORED, waiting.length, waiting.length), at);
      u8.set(waiting, at + SECTION_SIZE);
    }
    u8.fill(0, out - SECTION_SIZE, out);
    u8[out - SECTION_SIZE] = SECTION_MEMORY;
    writeSizes(u8, out - SECTION_SIZE, end - out);
    writeU32(u8, end, helper.run.crc32(0, start, end - start));
    return u8.slice(start, end + CHECKSUM_SIZE);
  }
}

/** Header, sections of globals and extensions, and the head of that of operations. */
function makeFront(
  engine: Engine,
  tableSize: number,
  linked: readonly Linked[],
): Uint8Array {
  const front = new Parts();
  front.add(makeHeader(engine.id, 0));
  front.add(makeSectionHead(SECTION_GLOBALS, METHOD_STORED, GLOBALS_SIZE, GLOBALS_SIZE));
  front.u32(engine.stackPointer);
  front.u32(tableSize);
  if (linked.length !== 0) {
    const list = writeExtensions(linked.map(({ record }) => record));
    front.add(makeSectionHead(SECTION_EXTENSIONS, METHOD_STORED, list.size, list.size));
    front.addParts(list);
  }
  front.add(makeSectionHead(SECTION_OPERATIONS, METHOD_STORED, 0, 0));
  return front.join();
}

/** Raw and stored size, which are less than 2^32, in a section's head. */
function writeSizes(u8: Uint8Array, head: number, size: number): void {
  writeU32(u8, head + 8, size);
  writeU32(u8, head + 16, size);
}

const makers = new WeakMap<Engine, Maker>();

function makerOf(engine: Engine): Maker {
  let maker = makers.get(engine);
  if (!maker) makers.set(engine, maker = new Maker(engine));
  return maker;
}

// ---- All others -------------------------------------------------------------

function finish(
  instance: Instance,
  operations: Parts,
  waiting: Uint8Array | undefined,
  memory: Parts,
  parent?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { engine, u8, linked } = instance;
  const writer = new SnapshotWriter(
    makeHeader(engine.id, u8.length / WASM_PAGE, parent),
  );
  const globals = new Parts();
  globals.u32(engine.stackPointer);
  globals.u32(instance.tableSize);
  writer.section(SECTION_GLOBALS, globals);
  if (linked.length !== 0) {
    writer.section(SECTION_EXTENSIONS, writeExtensions(linked.map(({ record }) => record)));
  }
  writer.section(SECTION_OPERATIONS, operations);
  if (waiting) writer.section(SECTION_WAITING, Parts.of(waiting));
  writer.section(SECTION_MEMORY, memory);
  return writer.finish();
}

function saveSince(
  instance: Instance,
  scanner: Scanner,
  limit: number,
  operations: Parts,
  options: SaveOptions,
): Uint8Array<ArrayBuffer> {
  const { before, parent } = recall(instance, options.since!, limit);
  try {
    const memory = scanner.writeSince(instance.u8, limit, before);
    const bytes = finish(instance, operations, options.waiting, memory, parent);
    rename(instance, bytes);
    return bytes;
  } catch (error) {
    forgetKept(instance);
    throw error;
  }
}

/**
 * Makes a snapshot of the VM in `instance`, which may go on running: whole, or
 * with `since` a difference. Stored, not packed: packSnapshot does that.
 */
export function saveSnapshot(
  instance: Instance,
  options: SaveOptions = {},
): Uint8Array<ArrayBuffer> {
  instance.look();
  const { u8, engine, control } = instance;
  const maker = makerOf(engine);
  const { scanner } = maker;
  const heapBreak = readU32(u8, control + CONTROL_HEAP_BREAK);
  const limit = scanner.limitOf(heapBreak, u8.length);
  const operations = new Parts();
  writeOperations(instance, limit, operations);
  if (options.since !== undefined) {
    return saveSince(instance, scanner, limit, operations, options);
  }
  if (scanner.isLarge(limit)) {
    const memory = scanner.writeLarge(u8, limit);
    return finish(instance, operations, options.waiting, memory);
  }
  return (
    maker.saveSmall(instance, limit, operations, options.waiting) ??
      finish(instance, operations, options.waiting, scanner.smallParts(u8, limit))
  );
}

/** Puts what was loaded into an instance that was reset. */
export function restoreSnapshot(loaded: Loaded, instance: Instance): void {
  loaded.put(instance);
  noteRestored(instance, loaded);
}
