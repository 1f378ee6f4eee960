// SPDX-License-Identifier: MIT
//
// loaded.ts - a snapshot, or a chain of them, that was checked and can be put
// into instances.
//
// A chain is a whole snapshot and the differences that follow it. Each piece is
// read and checked completely before the next one.
//
//  (1) Nothing is put anywhere before all was found good.
//  (2) What was put and not entered since saves to the same bytes.
//  (3) A difference is only put over the snapshot whose id it names.

import {
  CHAIN_LARGEST,
  CONTROL_HEAP_BREAK,
  CONTROL_SIZE,
  CONTROL_VERSION,
  HOST_START,
  MEMORY_DEFAULT,
} from "../abi.js";
import type { Engine } from "../engine.js";
import { EngineError, MisuseError, OutOfMemoryError, ParentError } from "../errors.js";
import type { Instance } from "../instance.js";
import { allocate, equalBytes, readU32 } from "./bytes.js";
import { type Container, isPacked, readContainer, refuse } from "./container.js";
import { checkGrown, type ExtensionRecord, readExtensions, tableSizeWith } from "./extensions.js";
import {
  GLOBALS_SIZE,
  SECTION_EXTENSIONS,
  SECTION_GLOBALS,
  SECTION_MEMORY,
  WASM_PAGE,
} from "./format.js";
import { toHex } from "./hex.js";
import { loadedZstd } from "./pack.js";
import { putRun, RunReader } from "./runs.js";
import { sha256 } from "./sha256.js";

export interface LoadOptions {
  /** How much memory the VM may have; MEMORY_DEFAULT when not given. */
  memoryMax?: number;
  /**
   * The pieces were checked before and nobody can have changed them: their
   * checksums are not made again.
   */
  trusted?: boolean;
}

// Of the control block a reader needs these fields; what runs put there is
// followed while they are checked.
const WATCHED = CONTROL_HEAP_BREAK + 4;

/** What is known while a chain is being checked. */
interface Check {
  engine: Engine;
  /** Bytes of memory, so far. */
  memory: number;
  /** Where the last byte lies that a run has. */
  end: number;
  /** The first WATCHED bytes of the control block, so far. */
  control: Uint8Array;
  /** The runs of each piece. */
  runs: Uint8Array[];
  /** The extensions of the last piece. */
  extensions: ExtensionRecord[];
}

function checkGlobals({ engine, extensions }: Check, globals: Uint8Array): void {
  if (
    globals.length !== GLOBALS_SIZE ||
    readU32(globals, 0) !== engine.stackPointer ||
    readU32(globals, 4) !== tableSizeWith(engine.tableSize, extensions)
  ) {
    refuse("its globals");
  }
}

/** Puts the part of the run that was read last which lies in the watched bytes
 * there. */
function watch(run: RunReader, engine: Engine, to: Uint8Array): void {
  const { control } = engine;
  const start = Math.max(run.address, control);
  const end = Math.min(run.address + run.length, control + WATCHED);
  for (let at = start; at < end; at++) {
    to[at - control] = run.isZero ? 0 : run.bytes[run.content + at - run.address]!;
  }
}

function checkRuns(check: Check, runs: Uint8Array): void {
  const { engine, memory } = check;
  const hostStart = engine.control + HOST_START;
  const hostEnd = engine.control + CONTROL_SIZE;
  const run = new RunReader(runs);
  while (!run.isDone) {
    const good = run.next();
    const { address, length } = run;
    const end = address + length;
    if (
      !good ||
      length === 0 ||
      end > memory ||
      address < engine.stackSize ||
      (address < hostEnd && end > hostStart)
    ) {
      refuse("its memory");
    }
    if (end > check.end) check.end = end;
    if (address < hostStart && end > engine.control) {
      watch(run, engine, check.control);
    }
  }
}

function checkMemory(check: Check, container: Container): void {
  const { engine, control } = check;
  const size = container.pages * WASM_PAGE;
  const runs = container.sections[SECTION_MEMORY]!.data!;
  if (size < check.memory) refuse("its memory's size");
  check.memory = size;
  checkRuns(check, runs);
  if (
    readU32(control, CONTROL_VERSION) !==
      readU32(engine.baseline, engine.control + CONTROL_VERSION) ||
    readU32(control, CONTROL_HEAP_BREAK) > size
  ) {
    refuse("its control block");
  }
  check.runs.push(runs);
}

function checkPiece(check: Check, container: Container): void {
  const content = container.sections[SECTION_EXTENSIONS]?.data;
  const extensions = content ? readExtensions(content) : [];
  checkGrown(check.extensions, extensions);
  check.extensions = extensions;
  checkGlobals(check, container.sections[SECTION_GLOBALS]!.data!);
  checkMemory(check, container);
}

function isNeeded(type: number): boolean {
  return type === SECTION_GLOBALS || type === SECTION_EXTENSIONS || type === SECTION_MEMORY;
}

function readPiece(piece: Uint8Array, options: LoadOptions): Container {
  const { memoryMax = MEMORY_DEFAULT, trusted = false } = options;
  return readContainer(piece, {
    memoryMax,
    trusted,
    wants: isNeeded,
    zstd: loadedZstd(),
  });
}

function checkFirst(container: Container, engine: Engine): void {
  if (container.parent) {
    throw new ParentError(
      "the snapshot is a difference from another one; give the whole chain, the whole snapshot first",
    );
  }
  if (!equalBytes(container.engine, engine.id)) {
    throw new EngineError(
      `the snapshot is of engine ${toHex(container.engine)}, this engine is ${
        toHex(engine.id)
      }; give the engine.wasm that it was made with as the option 'wasm'`,
    );
  }
}

function checkNext(
  container: Container,
  engine: Engine,
  before: Uint8Array,
): void {
  if (!container.parent || !equalBytes(container.parent, sha256(before))) {
    throw new ParentError(
      "the snapshot is not a difference from the one before it in the chain; give all of the chain in its order",
    );
  }
  if (!equalBytes(container.engine, engine.id)) {
    refuse("its engine is not that of its parent");
  }
}

/** Checks a chain of snapshots. Bytes are borrowed as long as it is used. */
export function loadSnapshot(
  pieces: readonly Uint8Array[],
  engine: Engine,
  options: LoadOptions = {},
): Loaded {
  if (pieces.length === 0 || pieces.length > CHAIN_LARGEST) {
    throw new MisuseError(
      `a chain has 1 to ${CHAIN_LARGEST} snapshots, this one ${pieces.length}`,
    );
  }
  const own = pieces.map(takePiece);
  const { control, baseline } = engine;
  const check: Check = {
    engine,
    memory: engine.pages * WASM_PAGE,
    end: baseline.length,
    control: baseline.slice(control, control + WATCHED),
    runs: [],
    extensions: [],
  };
  own.forEach((piece, i) => {
    const container = readPiece(piece, options);
    if (i === 0) checkFirst(container, engine);
    else checkNext(container, engine, own[i - 1]!);
    checkPiece(check, container);
  });
  return new Loaded(own, check);
}

/** Another thread may change shared memory at any time: it is copied first. */
function takePiece(piece: unknown): Uint8Array {
  if (!(piece instanceof Uint8Array)) {
    throw new MisuseError("a snapshot is a Uint8Array");
  }
  const isShared = typeof SharedArrayBuffer !== "undefined" &&
    piece.buffer instanceof SharedArrayBuffer;
  return isShared ? new Uint8Array(piece) : piece;
}

/** Whether zstd has to be loaded for these pieces first. */
export function needsZstd(pieces: readonly Uint8Array[]): boolean {
  return !loadedZstd() && pieces.some((piece) => piece instanceof Uint8Array && isPacked(piece));
}

/** A chain that was found good. */
export class Loaded {
  readonly engine: Engine;
  readonly pieces: readonly Uint8Array[];
  /** Memory of the VM, in pages of 65,536 bytes. */
  readonly pages: number;
  /** What the snapshot keeps of memory ends here. */
  readonly limit: number;
  /** What the VM had loaded, in its order. */
  readonly extensions: readonly ExtensionRecord[];
  private readonly end: number;
  private readonly runs: readonly Uint8Array[];

  constructor(pieces: readonly Uint8Array[], check: Check) {
    const heapBreak = readU32(check.control, CONTROL_HEAP_BREAK);
    this.engine = check.engine;
    this.pieces = pieces;
    this.pages = check.memory / WASM_PAGE;
    this.limit = Math.max(
      check.engine.baseline.length,
      Math.min(Math.ceil(heapBreak / 8) * 8, check.memory),
    );
    this.end = check.end;
    this.runs = check.runs;
    this.extensions = check.extensions;
  }

  /**
   * Puts the VM into `instance`, whose memory is that of the baseline, with
   * zeros behind it unless it is stale, and is no larger than the VM's. The VM
   * sleeps until torpor_wake.
   */
  put(instance: Instance): void {
    const { memory } = instance;
    const more = this.pages - memory.buffer.byteLength / WASM_PAGE;
    if (instance.engine !== this.engine || more < 0) {
      throw new MisuseError(
        "a snapshot goes into an instance of its engine, with no more memory than it has",
      );
    }
    try {
      if (more > 0) memory.grow(more);
    } catch (error) {
      throw new OutOfMemoryError(`no memory for a VM of ${this.pages * WASM_PAGE} bytes`, {
        cause: error,
      });
    }
    instance.look();
    if (instance.isStale) this.clear(instance.u8);
    this.lay(instance.u8);
    instance.isStale = false;
  }

  /** Clears what lies behind the baseline, but for what the first runs cover. */
  private clear(memory: Uint8Array): void {
    let end = this.engine.baseline.length;
    const run = new RunReader(this.runs[0]!);
    while (run.next()) {
      if (run.address > end) memory.fill(0, end, run.address);
      end = Math.max(end, run.address + run.length);
    }
    memory.fill(0, end);
  }

  /** Puts runs over the baseline, and cuts what lies behind the heap: we write
   * no runs there, but not every snapshot was made by us. */
  lay(memory: Uint8Array): void {
    for (const runs of this.runs) {
      const run = new RunReader(runs);
      while (run.next()) putRun(run, memory);
    }
    if (this.limit < this.end) memory.fill(0, this.limit, this.end);
  }

  /** The memory that the VM wakes with, up to where a run ends. */
  image(size = 0): Uint8Array<ArrayBuffer> {
    const { baseline } = this.engine;
    const image = allocate(Math.max(this.end, this.limit, size));
    image.set(baseline);
    this.lay(image);
    return image;
  }
}
