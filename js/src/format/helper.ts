// SPDX-License-Identifier: MIT
//
// helper.ts - the helper module (js/helper): comparing memory, CRC-32, SHA-256.
//
// It comes as text in the code, so that it needs no file and no waiting. Its
// memory behind `base` is laid out by whoever made the instance, and what is to
// be looked at is copied there first: addresses in it are never the guest's.

import { OutOfMemoryError } from "../errors.js";
import { HELPER_WASM } from "./helper-wasm.js";

export interface HelperExports {
  memory: WebAssembly.Memory;
  __heap_base: WebAssembly.Global;
  scan_start(list: number, pages: number): void;
  scan(bytes: number, base: number, address: number, size: number): number;
  scan_stop(): number;
  scan_open_start(): number;
  scan_open_end(): number;
  scan_take(): number;
  compare(bytes: number, base: number, pages: number): number;
  write_runs(bytes: number, first: number, last: number, written: number, to: number): number;
  crc32(sum: number, bytes: number, size: number): number;
  crc32_fold(words: number, count: number): void;
  crc32_unfold(words: number): void;
  sha256_start(): void;
  sha256_add(bytes: number, size: number): void;
  sha256_stop(to: number): void;
}

const PAGE = 65536;
let module: WebAssembly.Module | undefined;

/** A loop: at its first and only run it is ten times as fast as Uint8Array.from. */
function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** An instance of the helper, with a memory of its own. */
export class Helper {
  readonly run: HelperExports;
  /** All of its memory, which does not grow any more. */
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  /** From here on its memory is free, a multiple of 4,096. */
  readonly base: number;

  /** `size`: bytes behind `base`, which are zero. */
  constructor(size: number) {
    module ??= new WebAssembly.Module(decode(HELPER_WASM));
    this.run = new WebAssembly.Instance(module)
      .exports as unknown as HelperExports;
    this.base = ((this.run.__heap_base.value as number) + 4095) & ~4095;
    const { memory } = this.run;
    const more = this.base + size - memory.buffer.byteLength;
    try {
      if (more > 0) memory.grow(Math.ceil(more / PAGE));
    } catch (error) {
      throw new OutOfMemoryError(`no memory for ${size} bytes of the snapshot helper`, {
        cause: error,
      });
    }
    this.u8 = new Uint8Array(memory.buffer as ArrayBuffer);
    this.u32 = new Uint32Array(memory.buffer as ArrayBuffer);
  }
}

// What checksums are made in: words that were folded before, and a piece.
export const FOLDED = 16 * 3006;
export const PIECE = 1 << 18;

let shared: Helper | undefined;

/** The helper that all share for checksums: FOLDED and PIECE bytes behind `base`. */
export function sharedHelper(): Helper {
  shared ??= new Helper(FOLDED + PIECE);
  return shared;
}
