// SPDX-License-Identifier: MIT
//
// sleep.ts - putting a VM to sleep and waking one: snapshots as programs hold
// them.

import type { Core } from "./core.js";
import type { Engine } from "./engine.js";
import { LimitError, MisuseError } from "./errors.js";
import type { GivenExtension } from "./extension.js";
import { bindAll, checkRecords, matchExtensions } from "./extension-list.js";
import type { Linked } from "./extension-table.js";
import type { Instance } from "./instance.js";
import { giveInstance, takeUsed } from "./pool.js";
import { SHOW } from "./show.js";
import { CONTROL_SIZE, HOST_START } from "./abi.js";
import { readContainer } from "./format/container.js";
import { loadZstd } from "./format/pack.js";
import {
  type Loaded,
  loadSnapshot,
  needsZstd,
  restoreSnapshot,
  saveSnapshot as saveBytes,
} from "./snapshot.js";

const MEMORY_LARGEST = 4095 * 1024 * 1024;

/** How `vm.snapshot` saves. */
export interface SaveOptions {
  /**
   * An earlier snapshot of this VM: only what changed since is saved, and waking needs both.
   * @example vm.snapshot({ since: vm.snapshot() }).size < 1024 // true
   */
  since?: Snapshot;
}

/**
 * The state of a VM as bytes, which are the same in C.
 *
 * ```js
 * const snapshot = vm.snapshot();
 * console.log(snapshot.size, snapshot.bytes); // to be written to a file
 * ```
 */
export class Snapshot {
  /** @internal Whether nobody else can have changed the bytes. */
  _own = true;
  /** @internal What was made of it when it woke a VM last; good as long as it is `_own`. */
  _loaded: Loaded | undefined;
  /** @internal Whether somebody goes on using the bytes without looking at them again. */
  _isKept = false;
  private data: Uint8Array;
  /**
   * What this is a difference from, where that is at hand.
   * @example vm.snapshot().parent // undefined
   */
  readonly parent: Snapshot | undefined;

  /** @internal */
  constructor(bytes: Uint8Array, parent?: Snapshot) {
    this.data = bytes;
    this.parent = parent;
  }

  /**
   * What is stored or sent.
   * @example vm.snapshot().bytes instanceof Uint8Array // true
   */
  get bytes(): Uint8Array {
    // VMs wake from what was looked at, whatever the caller does with the bytes.
    if (this._isKept) this.data = new Uint8Array(this.data);
    this._own = this._isKept = false;
    this._loaded = undefined;
    return this.data;
  }

  /**
   * The snapshot of bytes; its frame and checksum are looked at.
   * @example Snapshot.of(vm.snapshot().bytes).size === vm.snapshot().size // true
   */
  static of(bytes: Uint8Array): Snapshot {
    if (!(bytes instanceof Uint8Array)) {
      throw new MisuseError("the bytes of a snapshot are a Uint8Array");
    }
    readContainer(bytes, { memoryMax: MEMORY_LARGEST, wants: () => false, zstd: undefined });
    const snapshot = new Snapshot(bytes);
    snapshot._own = false;
    return snapshot;
  }

  /**
   * Its size in bytes.
   * @example vm.snapshot().size < 4096 // true
   */
  get size(): number {
    return this.data.length;
  }

  /**
   * All that waking needs, the base first.
   * @example vm.snapshot({ since: vm.snapshot() }).chain.length // 2
   */
  get chain(): Uint8Array[] {
    return this._chain().map((piece) => piece.bytes);
  }

  /** @internal */
  static _bytesOf(snapshot: Snapshot): Uint8Array {
    if (!(snapshot instanceof Snapshot)) {
      throw new MisuseError("serializeSnapshot takes what vm.snapshot gave");
    }
    return snapshot.bytes;
  }

  /** @internal */
  [SHOW](): string {
    return `Snapshot { ${this.size} bytes${this.parent ? ", and those of its parent" : ""} }`;
  }

  /** @internal */
  _chain(): Snapshot[] {
    const pieces: Snapshot[] = [];
    for (let piece: Snapshot | undefined = this; piece; piece = piece.parent) pieces.unshift(piece);
    return pieces;
  }

  /** @internal For whoever does not change them. */
  get _data(): Uint8Array {
    return this.data;
  }
}

/** What a VM can be restored from. */
export type SnapshotSource = Snapshot | Uint8Array | readonly (Snapshot | Uint8Array)[];

interface Pieces {
  bytes: Uint8Array[];
  snapshots: Snapshot[];
  /** Nobody else can have changed them since they were made here. */
  own: boolean;
}

function piecesOf(source: SnapshotSource): Pieces {
  const given = Array.isArray(source) ? (source as (Snapshot | Uint8Array)[]) : [source];
  const found: Pieces = { bytes: [], snapshots: [], own: true };
  given.forEach((piece, i) => {
    if (piece instanceof Snapshot) {
      for (const one of i === 0 ? piece._chain() : [piece]) {
        found.bytes.push(one._data);
        found.snapshots.push(one);
        found.own &&= one._own;
      }
    } else if (piece instanceof Uint8Array) {
      found.bytes.push(piece);
      found.own = false;
    } else {
      throw new MisuseError("a snapshot is what vm.snapshot gave, its bytes, or an array of both");
    }
  });
  if (found.bytes.length === 0) throw new MisuseError("the array of snapshots is empty");
  return found;
}

/** Saves the VM; who calls this has made sure that no guest code is on the stack. */
export function saveSnapshot(core: Core, options: SaveOptions = {}): Snapshot {
  const { since } = options;
  if (since !== undefined && !(since instanceof Snapshot)) {
    throw new MisuseError("the option 'since' is an earlier snapshot of this VM");
  }
  if (since === undefined) return new Snapshot(saveBytes(core.instance));
  const chain = since._chain().map((piece) => piece._data);
  return new Snapshot(saveBytes(core.instance, { since: chain }), since);
}

/** A snapshot that was checked and unpacked, from which any number of VMs wake. */
export class Prepared {
  private readonly engine: Engine;
  private readonly loaded: Loaded;
  private readonly linked: readonly Linked[];

  private constructor(engine: Engine, loaded: Loaded, linked: readonly Linked[]) {
    this.engine = engine;
    this.loaded = loaded;
    this.linked = linked;
  }

  /** `keeps`: for longer than the caller waits, so that bytes that are not our own are copied. */
  static async load(
    source: SnapshotSource,
    engine: Engine,
    extensions: readonly GivenExtension[],
    keeps = false,
    memoryMax = MEMORY_LARGEST,
  ): Promise<Prepared> {
    const { bytes, snapshots, own } = piecesOf(source);
    const kept = own && source instanceof Snapshot ? source : undefined;
    let loaded = kept?._loaded;
    if (loaded?.engine !== engine) {
      const pieces = keeps && !own ? bytes.map((piece) => new Uint8Array(piece)) : bytes;
      if (needsZstd(pieces)) await loadZstd();
      loaded = loadSnapshot(pieces, engine, { memoryMax, trusted: own });
      if (kept !== undefined) kept._loaded = loaded;
      if (own) { for (const snapshot of snapshots) snapshot._isKept = true; }
    }
    const linked = matchExtensions(loaded.extensions, extensions);
    checkRecords(linked, engine, loaded.pages * 65536);
    return new Prepared(engine, loaded, linked);
  }

  /** An instance with its memory. */
  wake(memoryMax: number): Instance {
    const { loaded, engine } = this;
    if (loaded.pages * 65536 > memoryMax) {
      throw new LimitError(
        `the VM has ${loaded.pages * 65536} bytes of memory; memoryLimit is ${memoryMax}: raise it`,
      );
    }
    const instance = takeUsed(engine, loaded.pages, this.linked);
    try {
      restoreSnapshot(loaded, instance);
      bindAll(instance, this.linked);
    } catch (error) {
      giveInstance(instance);
      throw error;
    }
    return instance;
  }
}

export async function wakeInstance(
  source: SnapshotSource,
  engine: Engine,
  memoryMax: number,
  extensions: readonly GivenExtension[],
): Promise<Instance> {
  const prepared = await Prepared.load(source, engine, extensions, false, memoryMax);
  return prepared.wake(memoryMax);
}

/** An instance with a copy of the memory of a VM: as if it had been saved and restored. */
export function forkInstance(core: Core): Instance {
  const { instance } = core;
  const { engine, control, u8 } = instance;
  const copy = takeUsed(engine, u8.length / 65536, instance.linked);
  copy.u8.set(u8.subarray(engine.stackSize), engine.stackSize);
  copy.isStale = false;
  copy.u8.fill(0, control + HOST_START, control + CONTROL_SIZE);
  try {
    bindAll(copy, instance.linked);
  } catch (error) {
    giveInstance(copy);
    throw error;
  }
  return copy;
}
