// SPDX-License-Identifier: MIT
//
// pack.ts - compressing the content of a section with zstd, and back.
//
//     content:  |    block    |    block    |  rest  |    blocks of 1 MiB
//     stored:   | frame | frame | frame |                 one for each
//
// zstd is a module of its own (js/helper/pack.c, zstd.wasm), loaded when a
// packed snapshot is met, or asked for. Packing is as in the C library, so that
// equal content at the same level gives equal bytes.

import { FormatError, IoError, OutOfMemoryError } from "../errors.js";
import { loadPackageFile } from "../package-file.js";
import { allocate, Parts } from "./bytes.js";
import { METHOD_FRAMES, METHOD_STORED, METHOD_ZSTD } from "./format.js";

/** A smaller section is not worth the time. */
const PACK_FROM = 32 << 10;
const BLOCK = 1 << 20;
/** An instance that has taken more memory is not kept. */
const KEPT_MOST = 64 << 20;

export const LEVEL = 1;

interface ZstdExports {
  memory: WebAssembly.Memory;
  _initialize?(): void;
  allocate(size: number): number;
  release(place: number): void;
  content_size(frame: number, size: number): number;
  frame_size(bytes: number, size: number): number;
  unpack(to: number, size: number, frames: number, stored: number): number;
  bound(size: number): number;
  pack(to: number, room: number, bytes: number, size: number, level: number): number;
}

export class Zstd {
  private readonly module: WebAssembly.Module;
  private made: ZstdExports | undefined;

  constructor(module: WebAssembly.Module) {
    this.module = module;
  }

  /** Whether `stored` says that its content has `size` bytes. */
  hasSize(method: number, stored: Uint8Array, size: number): boolean {
    // A frame says it in its first 18 bytes.
    const first = this.use(
      stored.subarray(0, 32),
      0,
      (run, at, length) => run.content_size(at, length),
    );
    if (method === METHOD_ZSTD) return first === size;
    return size > BLOCK && first === BLOCK;
  }

  /** Unpacks it to `size` bytes; undefined: it is not just that. */
  unpack(
    method: number,
    stored: Uint8Array,
    size: number,
  ): Uint8Array<ArrayBuffer> | undefined {
    const to = allocate(size);
    try {
      const done = method === METHOD_ZSTD
        ? this.unpackFrame(stored, to)
        : this.unpackFrames(stored, to);
      return done ? to : undefined;
    } catch (error) {
      // A fault that frames led it into; it ended in the module's own memory.
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.made = undefined;
      return undefined;
    }
  }

  /** Packs content as the C library does; gives the method. */
  pack(
    content: Uint8Array,
    level: number,
  ): { method: number; stored: Uint8Array } {
    const plain = { method: METHOD_STORED, stored: content };
    if (content.length < PACK_FROM) return plain;
    const packed = new Parts();
    for (let at = 0; at < content.length; at += BLOCK) {
      packed.add(this.packFrame(content.subarray(at, at + BLOCK), level));
    }
    if (packed.size >= content.length) return plain;
    return {
      method: content.length > BLOCK ? METHOD_FRAMES : METHOD_ZSTD,
      stored: packed.join(),
    };
  }

  private unpackFrame(stored: Uint8Array, to: Uint8Array): boolean {
    return this.use(stored, to.length, (run, at, size, place) => {
      if (run.unpack(place, to.length, at, size) === 0) return false;
      to.set(new Uint8Array(run.memory.buffer, place, to.length));
      return true;
    });
  }

  /** The frames of all blocks, which no other size may have. */
  private unpackFrames(stored: Uint8Array, to: Uint8Array): boolean {
    return this.use(stored, BLOCK, (run, at, left, place) => {
      for (let block = 0; block < to.length; block += BLOCK) {
        const size = Math.min(BLOCK, to.length - block);
        const frame = run.frame_size(at, left) >>> 0;
        if (
          frame === 0 ||
          run.content_size(at, frame) !== size ||
          run.unpack(place, size, at, frame) === 0
        ) {
          return false;
        }
        to.set(new Uint8Array(run.memory.buffer, place, size), block);
        at += frame;
        left -= frame;
      }
      return left === 0;
    });
  }

  private packFrame(block: Uint8Array, level: number): Uint8Array {
    const room = this.instance().bound(block.length) >>> 0;
    return this.use(block, room, (run, from, length, place) => {
      const size = run.pack(place, room, from, length, level);
      if (size === 0) outOfMemory(length);
      return new Uint8Array(run.memory.buffer, place, size).slice();
    });
  }

  private instance(): ZstdExports {
    if (this.made) return this.made;
    const { exports } = new WebAssembly.Instance(this.module);
    this.made = exports as unknown as ZstdExports;
    this.made._initialize?.();
    return this.made;
  }

  /** Calls `work` with a copy of `bytes`, and a place of `room` bytes. */
  private use<T>(
    bytes: Uint8Array,
    room: number,
    work: (run: ZstdExports, at: number, size: number, place: number) => T,
  ): T {
    const run = this.instance();
    const at = run.allocate(bytes.length + 1) >>> 0;
    const place = at === 0 ? 0 : run.allocate(room + 1) >>> 0;
    try {
      if (place === 0) outOfMemory(bytes.length + room);
      new Uint8Array(run.memory.buffer).set(bytes, at);
      return work(run, at, bytes.length, place);
    } finally {
      run.release(place);
      run.release(at);
      if (run.memory.buffer.byteLength > KEPT_MOST) this.made = undefined;
    }
  }
}

function outOfMemory(size: number): never {
  throw new OutOfMemoryError(`no memory to pack or unpack ${size} bytes of a snapshot`);
}

// ---- Loading ----------------------------------------------------------------

/** What zstd.wasm may be given as, where it cannot be found by itself. */
export type ZstdSource = BufferSource | WebAssembly.Module | Response;

let loaded: Zstd | undefined;
let loading: Promise<Zstd> | undefined;

/** zstd, if it was loaded before. */
export function loadedZstd(): Zstd | undefined {
  return loaded;
}

/**
 * Loads zstd, which packed snapshots need, once: from `source`, or from this package, where it is
 * loaded when it is needed. For pages that serve zstd.wasm from elsewhere.
 *
 * ```js
 * await loadZstd();
 * ```
 */
export function loadZstd(
  source?: ZstdSource | Promise<ZstdSource>,
): Promise<Zstd> {
  if (loaded) return Promise.resolve(loaded);
  loading ??= Promise.resolve(source ?? loadPackageFile("zstd.wasm"))
    .then(compile)
    .then((module) => (loaded = new Zstd(module)));
  loading.catch(() => (loading = undefined));
  return loading;
}

async function compile(source: ZstdSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  try {
    const isBytes = source instanceof ArrayBuffer || ArrayBuffer.isView(source);
    if (isBytes || typeof Response === "undefined" || !(source instanceof Response)) {
      return await WebAssembly.compile(source as BufferSource);
    }
    if (!source.ok) {
      throw new IoError(`zstd.wasm could not be loaded: ${source.url} answered ${source.status}`);
    }
    return await WebAssembly.compile(await source.arrayBuffer());
  } catch (error) {
    if (error instanceof IoError) throw error;
    throw new FormatError("these bytes are not the zstd.wasm of torpor-vm", { cause: error });
  }
}
