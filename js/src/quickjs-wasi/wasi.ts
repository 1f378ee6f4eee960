// SPDX-License-Identifier: MIT
//
// wasi.ts - the option `wasi` of quickjs-wasi: functions of WASI, by name, that
// replace what the VM sees of the world.
//
// They write what they give to addresses of the memory that they were made
// with. That is not the VM's here, but a small one of their own, from which it
// is copied. So no such function can damage a VM.

import { Clock } from "../abi.js";
import { MisuseError } from "../errors.js";
import type { Settings } from "../options.js";

/**
 * Makes functions of `wasi_snapshot_preview1`. Those that are asked:
 * `clock_time_get`, `random_get` and `fd_write`.
 *
 * ```js
 * const wasi = (memory) => ({
 *   clock_time_get(id, precision, at) {
 *     new DataView(memory.buffer).setBigUint64(at, 1_700_000_000_000_000_000n, true);
 *     return 0;
 *   },
 * });
 * ```
 */
// deno-lint-ignore no-explicit-any
export type WasiOptions = (memory: WebAssembly.Memory) => Record<string, (...args: any[]) => any>;

const SIZE = 65536;
/** Where results are written, and what is handed over lies. */
const RESULT = 16;
const DATA = 64;
const ROOM = SIZE - DATA;
const STDOUT = 1;
const STDERR = 2;
/** Levels of the console from which on it is an error's. */
const LEVEL_WARN = 3;

/** The settings that such functions replace. */
export function replacedBy(factory: WasiOptions | undefined): Partial<Settings> {
  if (factory === undefined) return {};
  if (typeof factory !== "function") {
    throw new MisuseError(
      "the option 'wasi' is a function that gets the memory and gives functions of WASI",
    );
  }
  const memory = { buffer: new ArrayBuffer(SIZE) };
  const given: unknown = factory(memory as unknown as WebAssembly.Memory);
  if (typeof given !== "object" || given === null) {
    throw new MisuseError("the option 'wasi' gave no object of functions");
  }
  const functions = given as ReturnType<WasiOptions>;
  const view = new DataView(memory.buffer);
  const call = (name: string, ...args: unknown[]) => {
    const code = functions[name]!(...args);
    if (code !== 0) {
      throw new Error(`the function '${name}' of the option 'wasi' gave error ${code}`);
    }
  };
  const replaced: Partial<Settings> = {};
  if (functions["clock_time_get"]) replaced.clock = (which) => readClock(view, call, which);
  if (functions["random_get"]) replaced.random = (bytes) => readRandom(view, call, bytes);
  if (functions["fd_write"]) replaced.print = (level, text) => write(view, call, level, text);
  return replaced;
}

type Call = (name: string, ...args: unknown[]) => void;

function readClock(view: DataView, call: Call, which: number): number {
  call("clock_time_get", which === Clock.MONOTONIC ? 1 : 0, 1n, RESULT);
  return Number(view.getBigUint64(RESULT, true) / 1000n) / 1000;
}

function readRandom(view: DataView, call: Call, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += ROOM) {
    const size = Math.min(ROOM, bytes.length - at);
    call("random_get", DATA, size);
    bytes.set(new Uint8Array(view.buffer, DATA, size), at);
  }
}

/** A line of the console, as one piece or as many as it takes. */
function write(view: DataView, call: Call, level: number, text: string): void {
  const line = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < line.length; at += ROOM) {
    const piece = line.subarray(at, at + ROOM);
    new Uint8Array(view.buffer, DATA).set(piece);
    view.setUint32(0, DATA, true);
    view.setUint32(4, piece.length, true);
    call("fd_write", level >= LEVEL_WARN ? STDERR : STDOUT, 0, 1, RESULT);
  }
}
