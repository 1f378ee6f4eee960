// SPDX-License-Identifier: MIT
//
// options.ts - how a VM is opened and what it sees of the world, and what the
// options mean where they are left out.
//
// Options end with the VM that they were given to: whoever restores a snapshot
// gives them anew, and may give others.

import { Clock } from "./abi.js";
import { type Drivers, DriverSet } from "./driver.js";
import type { EngineSource } from "./engine.js";
import { MisuseError } from "./errors.js";
import { checkExtensions, type ExtensionOptions } from "./extension.js";
import type { JSValueHandle } from "./handle.js";

/**
 * Which clock, randomness and output a VM has. What is left out is the host's.
 *
 * ```js
 * let ticks = 0n;
 * const vm = await QuickJS.create({
 *   wasi: {
 *     now: () => ++ticks * 1_000_000n,
 *     random: (bytes) => bytes.fill(7),
 *     stdout: (text) => console.log(text.trimEnd()),
 *     stderr: (text) => console.error(text.trimEnd()),
 *   },
 * });
 * vm.evalCode("console.log('at', Date.now())").dispose(); // at 2
 * ```
 */
export interface Wasi {
  /**
   * Nanoseconds since 1970. Drives `Date` and `performance`, and seeds `Math.random`: equal clocks give equal sequences.
   * @example vm.fork({ wasi: { now: () => 5_000_000n } }).evalCode("Date.now()").toNumber() // 5
   */
  now?: () => bigint;
  /** Gets what `console.debug`, `log` and `info` print, line ends included. */
  stdout?: (text: string) => void;
  /** Gets what `console.warn` and `error` print. */
  stderr?: (text: string) => void;
  /** Fills `bytes` with randomness. */
  random?: (bytes: Uint8Array) => void;
}

/** What an import is taken as: `with { type: "json" }`. */
export type ModuleKind = "javascript" | "json" | "text" | "bytes";

/**
 * Where modules come from. With `evalModule` both may be asynchronous; `import()` waits for `load`,
 * and needs its name at once.
 *
 * ```js
 * const sources = { "lib/tea.js": "export const cups = 2;" };
 * const vm = await QuickJS.create({
 *   moduleLoader: {
 *     normalize: (importer, specifier) => `lib/${specifier}.js`,
 *     load: async (name) => sources[name],
 *   },
 * });
 * const module = await vm.evalModule("export { cups } from 'tea';");
 * console.log(module.getProp("cups").toNumber()); // 2
 * ```
 */
export interface ModuleLoader {
  /**
   * The name of the module that `specifier` means in `importer`; without it relative names are
   * resolved as paths.
   */
  normalize?: (importer: string, specifier: string) => string | Promise<string>;
  /** The source of the module of that name. */
  load: (
    name: string,
    kind: ModuleKind,
    importer: string,
  ) => string | Uint8Array | Promise<string | Uint8Array>;
}

/** Which function of the console was called. */
export type ConsoleLevel = "debug" | "log" | "info" | "warn" | "error";
/** Gets each message of the console. */
export type ConsoleFunction = (level: ConsoleLevel, text: string) => void;

/** How a VM is opened. All options are given anew when it is restored, and may be others. */
export interface Options {
  /**
   * The engine: bytes, a compiled module, a URL, a Response, or a promise of one. Left out: that of
   * this package.
   * @example (await QuickJS.create({ wasm: import.meta.resolve("torpor-vm/engine.wasm") })).evalCode("1 + 2").toNumber() // 3
   */
  wasm?: EngineSource | Promise<EngineSource>;
  /**
   * Its clock, randomness and output; what is left out is the host's.
   * @example (await QuickJS.create({ wasi: { now: () => 0n } })).evalCode("Date.now()").toNumber() // 0
   */
  wasi?: Wasi;
  /**
   * Bytes of linear memory that the VM may have; 512 MiB if left out.
   * @example (await QuickJS.create({ memoryLimit: 4 << 20 })).evalCode("new Uint8Array(8 << 20)").isException // true
   */
  memoryLimit?: number;
  /**
   * Bytes of the guest's own stack that code may use, from 16,384; 240 KiB if left out, which is
   * all.
   * @example (await QuickJS.create({ maxStackSize: 16384 })).evalCode("(function f(n) { f(n + 1) })()").isException // true
   */
  maxStackSize?: number;
  /**
   * Asked while guest code runs; `true` interrupts it.
   *
   * ```js
   * let asked = 0;
   * const vm = await QuickJS.create({ interruptHandler: () => ++asked > 1000 });
   * try {
   *   vm.evalCode("for (;;);");
   * } catch (error) {
   *   console.log(error.name); // InterruptedError
   * }
   * ```
   */
  interruptHandler?: () => boolean;
  /**
   * Milliseconds after which each call into the VM is interrupted.
   * @example await vm.fork({ deadline: 5 }).evalModule("for (;;);").catch((e) => e.name) // "InterruptedError"
   */
  deadline?: number;
  /**
   * Steps of guest code until it is interrupted, the same on every host; see `vm.fuel`.
   * @example (await QuickJS.create({ fuel: 1000 })).fuel // 1000
   */
  fuel?: number;
  /**
   * Native extensions, loaded in this order. At restore: those of the snapshot, in its order. Only
   * for `create`, `restore` and `VMPool.create`: other VMs have those of what they start from.
   *
   * ```js
   * const wasm = import.meta.resolve("torpor-vm/url.wasm");
   * const vm = await QuickJS.create({ extensions: [{ name: "url", wasm }] });
   * console.log(vm.extensions[0].name); // url
   * ```
   */
  extensions?: readonly ExtensionOptions[];
  /**
   * Where modules come from; left out, there are none but the engine's own.
   * @example vm.fork({ moduleLoader: { load: () => "1" } }).evalCode("import('a')").isPromise // true
   */
  moduleLoader?: ModuleLoader;
  /**
   * What of the language the VM has: flags of `Intrinsics`, or the names of globals to leave out.
   * @example (await QuickJS.create({ intrinsics: { omit: ["eval"] } })).evalCode("typeof eval").toString() // "undefined"
   */
  intrinsics?: number | { omit: readonly string[] };
  /**
   * Minutes west of UTC, as `Date.prototype.getTimezoneOffset` gives them; "host", or a function of seconds since 1970.
   * @example (await QuickJS.create({ timezoneOffset: -60 })).evalCode("new Date(0).getHours()").toNumber() // 1
   */
  timezoneOffset?: "host" | number | ((seconds: number) => number);
  /**
   * Told of promises that are rejected without a handler, once jobs have run, and once more when
   * a handler comes late; also of what a timer's callback throws.
   *
   * ```js
   * const vm = await QuickJS.create({
   *   onUnhandledRejection: (promise, reason, isHandled) => console.log(reason.toString()),
   * });
   * vm.evalCode("Promise.reject('no tea')").dispose();
   * vm.executePendingJobs(); // no tea
   * ```
   */
  onUnhandledRejection?: (
    promise: JSValueHandle,
    reason: JSValueHandle,
    isHandled: boolean,
  ) => void;
  /**
   * Gets what the console prints; the host's console if left out.
   *
   * ```js
   * const vm = await QuickJS.create({ console: (level, text) => console.log(level, text) });
   * vm.evalCode("console.warn('tea', [3])").dispose(); // warn tea [ 3 ]
   * ```
   */
  console?: ConsoleFunction | Partial<Record<ConsoleLevel, (text: string) => void>>;
  /**
   * "return": what guest code throws comes back as a handle with `isException`. "throw": as a `JSException`.
   * @example (await QuickJS.create({ exceptions: "return" })).evalCode("null.x").isException // true
   */
  exceptions?: "return" | "throw";
  /**
   * Remember where handles were disposed of, for the error of a later use. Slow.
   *
   * ```js
   * const vm = await QuickJS.create({ debug: true });
   * const tea = vm.newString("tea");
   * tea.dispose();
   * try {
   *   tea.toString();
   * } catch (error) {
   *   console.log(error.message); // the handle was disposed of, at ...
   * }
   * ```
   */
  debug?: boolean;
  /**
   * What performs the operations that the program waits for, by kind.
   * @example (await QuickJS.create({ drivers: { timer: timerDriver() } })).disposed // false
   */
  drivers?: Drivers;
  /**
   * At restore: tell the program that it is a copy and another one lives on.
   * @example (await QuickJS.restore(vm.snapshot(), { clone: true })).evalCode("1 + 1").toNumber() // 2
   */
  clone?: boolean;
  /**
   * At restore: seed `Math.random` from the host's randomness.
   * @example (await QuickJS.restore(vm.snapshot(), { reseed: true })).evalCode("1 + 1").toNumber() // 2
   */
  reseed?: boolean;
}

/**
 * Flags for the option `intrinsics`. `Intrinsics.ALL & ~Intrinsics.EVAL` leaves out `eval`.
 * @example (await QuickJS.create({ intrinsics: ~Intrinsics.DATE })).evalCode("typeof Date").toString() // "undefined"
 */
export const Intrinsics = {
  DATE: 1,
  EVAL: 2,
  REGEXP: 4,
  JSON: 8,
  PROXY: 16,
  MAP_SET: 32,
  TYPED_ARRAYS: 64,
  PROMISE: 128,
  BIG_INT: 256,
  WEAK_REF: 512,
  PERFORMANCE: 1024,
  DOM_EXCEPTION: 2048,
  ATOB_BTOA: 4096,
  ALL: 0xffffffff,
} as const;

const VIEWS =
  "ArrayBuffer SharedArrayBuffer Atomics DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array Float64Array";
const INTRINSIC_NAMES: Record<number, string> = {
  [Intrinsics.DATE]: "Date",
  [Intrinsics.EVAL]: "eval",
  [Intrinsics.REGEXP]: "RegExp",
  [Intrinsics.JSON]: "JSON",
  [Intrinsics.PROXY]: "Proxy Reflect",
  [Intrinsics.MAP_SET]: "Map Set WeakMap WeakSet",
  [Intrinsics.TYPED_ARRAYS]: VIEWS,
  [Intrinsics.PROMISE]: "Promise",
  [Intrinsics.BIG_INT]: "BigInt",
  [Intrinsics.WEAK_REF]: "WeakRef FinalizationRegistry",
  [Intrinsics.PERFORMANCE]: "performance",
  [Intrinsics.DOM_EXCEPTION]: "DOMException",
  [Intrinsics.ATOB_BTOA]: "atob btoa",
};

export const MEMORY_DEFAULT = 512 * 1024 * 1024;
const MEMORY_LARGEST = 4095 * 1024 * 1024;
const LEVELS: readonly ConsoleLevel[] = ["debug", "log", "info", "warn", "error"];

/** The options as the VM uses them: checked, nothing left out. */
export interface Settings {
  readonly options: Options;
  readonly memoryMax: number;
  readonly stack: number;
  readonly fuel: number;
  readonly deadline: number;
  readonly throws: boolean;
  readonly debug: boolean;
  readonly omit: string;
  readonly wakeFlags: number;
  readonly drivers: DriverSet;
  interrupt: (() => boolean) | undefined;
  clock(which: number): number;
  zone(ms: number): number;
  random(bytes: Uint8Array): void;
  print(level: number, text: string): void;
}

function checkNumber(
  name: keyof Options,
  value: unknown,
  least: number,
  most: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  if (typeof value !== "number" || !(value >= least && value <= most)) {
    throw new MisuseError(`the option '${name}' is a number from ${least} to ${most}`);
  }
  return Math.floor(value);
}

function checkFunction(name: keyof Options, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new MisuseError(`the option '${name}' is a function`);
  }
}

/** Checks options. Bytes or a module count as { wasm }. */
export function takeOptions(
  given: Options | BufferSource | WebAssembly.Module | undefined,
): Options {
  if (given === undefined) return {};
  if (
    given instanceof WebAssembly.Module ||
    given instanceof ArrayBuffer ||
    ArrayBuffer.isView(given)
  ) {
    return { wasm: given };
  }
  if (typeof given !== "object" || given === null) {
    throw new MisuseError("options are an object, bytes of an engine, or a WebAssembly.Module");
  }
  return given;
}

/** All there are: one that is misspelled would be a limit that is not there. */
const OPTIONS: Readonly<Record<keyof Options, true>> = {
  wasm: true,
  wasi: true,
  memoryLimit: true,
  maxStackSize: true,
  interruptHandler: true,
  deadline: true,
  fuel: true,
  extensions: true,
  moduleLoader: true,
  intrinsics: true,
  timezoneOffset: true,
  onUnhandledRejection: true,
  console: true,
  exceptions: true,
  debug: true,
  drivers: true,
  clone: true,
  reseed: true,
};

function checkNames(options: Options): void {
  for (const name in options) {
    if (OPTIONS[name as keyof Options] !== true) {
      const known = Object.keys(OPTIONS).join(", ");
      throw new MisuseError(`there is no option '${name}'; there are ${known}`);
    }
  }
}

export function settle(options: Options): Settings {
  checkNames(options);
  checkFunction("interruptHandler", options.interruptHandler);
  checkFunction("onUnhandledRejection", options.onUnhandledRejection);
  checkExtensions(options.extensions);
  if (
    options.exceptions !== undefined && options.exceptions !== "return" &&
    options.exceptions !== "throw"
  ) {
    throw new MisuseError('the option \'exceptions\' is "return" or "throw"');
  }
  checkLoader(options.moduleLoader);
  checkFunctions("wasi", options.wasi, ["now", "stdout", "stderr", "random"]);
  if (typeof options.console !== "function") checkFunctions("console", options.console, LEVELS);
  return {
    options,
    memoryMax: checkNumber("memoryLimit", options.memoryLimit, 1, MEMORY_LARGEST, MEMORY_DEFAULT),
    stack: checkNumber("maxStackSize", options.maxStackSize, 16384, 1 << 30, 0),
    fuel: checkNumber("fuel", options.fuel, 1, Number.MAX_SAFE_INTEGER, 0),
    deadline: checkNumber("deadline", options.deadline, 1, Number.MAX_SAFE_INTEGER, 0),
    throws: options.exceptions === "throw",
    debug: options.debug === true,
    omit: omittedNames(options.intrinsics),
    wakeFlags: (options.clone ? 1 : 0) | (options.reseed ? 2 : 0),
    drivers: new DriverSet(options.drivers),
    interrupt: options.interruptHandler,
    clock: clockOf(options.wasi?.now),
    zone: zoneOf(options.timezoneOffset),
    random: options.wasi?.random ?? hostRandom,
    print: printerOf(options),
  };
}

/** An option that is an object of functions, all of which may be left out. */
function checkFunctions(name: keyof Options, given: unknown, fields: readonly string[]): void {
  if (given === undefined) return;
  const wrong = typeof given !== "object" || given === null ||
    fields.some((field) => {
      const value = (given as Record<string, unknown>)[field];
      return value !== undefined && typeof value !== "function";
    });
  if (wrong) {
    throw new MisuseError(
      `the option '${name}' is an object of functions, with any of ${fields.join(", ")}`,
    );
  }
}

function checkLoader(loader: ModuleLoader | undefined): void {
  if (loader === undefined) return;
  if (
    loader === null || typeof loader.load !== "function" ||
    (loader.normalize !== undefined && typeof loader.normalize !== "function")
  ) {
    throw new MisuseError("the option 'moduleLoader' is { load, normalize? }, two functions");
  }
}

function omittedNames(intrinsics: Options["intrinsics"]): string {
  if (intrinsics === undefined) return "";
  if (typeof intrinsics === "number") {
    return Object.entries(INTRINSIC_NAMES)
      .filter(([flag]) => (intrinsics & Number(flag)) === 0)
      .map(([, names]) => names)
      .join(" ");
  }
  const omit = intrinsics?.omit;
  if (
    !Array.isArray(omit) || omit.some((name) => typeof name !== "string" || !/^[\w$.]+$/.test(name))
  ) {
    throw new MisuseError(
      "the option 'intrinsics' is flags of Intrinsics, or { omit: names of globals }",
    );
  }
  return omit.join(" ");
}

function clockOf(now: (() => bigint) | undefined): (which: number) => number {
  if (now === undefined) {
    return (which) => (which === Clock.MONOTONIC ? performance.now() : Date.now());
  }
  if (typeof now !== "function") {
    throw new MisuseError("wasi.now is a function that gives nanoseconds as a bigint");
  }
  return () => {
    const time = now();
    if (typeof time !== "bigint") {
      throw new MisuseError("wasi.now gave no bigint; it gives nanoseconds since 1970");
    }
    return Number(time / 1000n) / 1000;
  };
}

function zoneOf(zone: Options["timezoneOffset"]): (ms: number) => number {
  if (zone === undefined || zone === "host") {
    return (ms) => -new Date(ms).getTimezoneOffset();
  }
  if (typeof zone === "number" && Number.isFinite(zone)) return () => -zone;
  if (typeof zone === "function") return (ms) => -zone(Math.floor(ms / 1000));
  throw new MisuseError("the option 'timezoneOffset' is \"host\", minutes, or a function");
}

function hostRandom(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 65536) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + 65536) as Uint8Array<ArrayBuffer>);
  }
}

function printerOf(options: Options): (level: number, text: string) => void {
  const { console: to, wasi } = options;
  if (typeof to === "function") {
    return (level, text) => to(LEVELS[level] ?? "log", text);
  }
  if (to !== undefined && (typeof to !== "object" || to === null)) {
    throw new MisuseError("the option 'console' is a function, or an object of functions");
  }
  if (to !== undefined) return (level, text) => to[LEVELS[level] ?? "log"]?.(text);
  if (wasi?.stdout || wasi?.stderr) {
    return (level, text) => (level >= 3 ? wasi.stderr : wasi.stdout)?.(`${text}\n`);
  }
  return (level, text) => globalThis.console[LEVELS[level] ?? "log"](text);
}
