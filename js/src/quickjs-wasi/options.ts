// SPDX-License-Identifier: MIT
//
// options.ts - the options of quickjs-wasi, as settings of a VM.

import type { Engine, EngineSource } from "../engine.js";
import type { ExtensionOptions } from "../extension.js";
import { describeHost } from "../host-value.js";
import type { JSValueHandle } from "../handle.js";
import { type ModuleLoader, type Options, type Settings, settle } from "../options.js";
import { replacedBy, type WasiOptions } from "./wasi.js";

export { Intrinsics } from "../options.js";

/** The largest `maxStackSize`. */
export const MAX_STACK_SIZE = 524288;

/**
 * A native extension. It is loaded whether its loops poll or not, as there. A WebAssembly.Module is
 * refused: give its bytes. Clock and randomness are those of the VM, so that `wasi` is not used.
 */
export interface ExtensionDescriptor {
  name: string;
  wasm: BufferSource | WebAssembly.Module;
  initFn?: string;
  wasi?: WasiOptions;
}

/** How a VM is opened or restored. */
export interface QuickJSOptions {
  /** The file `torpor-vm/engine.wasm`: bytes or a module. Left out: that of this package. */
  wasm?: EngineSource | Promise<EngineSource>;
  /** Replaces the clock, randomness and output. */
  wasi?: WasiOptions;
  /** Bytes that the VM may have beyond those that it starts with; none, or 0: no limit. */
  memoryLimit?: number;
  /**
   * Bytes of the guest's own stack, up to MAX_STACK_SIZE. There is always a guard: 0 means the
   * most.
   */
  maxStackSize?: number;
  /** Asked while guest code runs; `true` interrupts it. */
  interruptHandler?: () => boolean;
  /** Told of promises that are rejected without a handler, and once more when one comes late. */
  onUnhandledRejection?: (
    promise: JSValueHandle,
    reason: JSValueHandle,
    isHandled: boolean,
  ) => void;
  /** Where modules come from, at once. Without `normalize` the specifier is the name. */
  moduleLoader?: {
    normalize?: (baseName: string, specifier: string) => string;
    load: (moduleName: string) => string;
  };
  /** Flags of `Intrinsics`. */
  intrinsics?: number;
  extensions?: ExtensionDescriptor[];
  /** Minutes west of UTC; "host", or a function of seconds since 1970. */
  timezoneOffset?: "host" | number | ((timeSecs: number) => number);
}

/**
 * Globals of torpor-vm that quickjs-wasi has not: what a program finds missing it may bring itself.
 */
const BEYOND =
  "AbortController AbortSignal Atomics CustomEvent Event EventTarget clearInterval clearTimeout " +
  "console setInterval setTimeout torpor";

const PAGE = 65536;
const MEMORY_LARGEST = 4095 * 1024 * 1024;
/** What the engine's own stack check needs to be of use. */
const STACK_LEAST = 16384;

/** Settings of a VM of this engine. */
export function settingsOf(options: QuickJSOptions, engine: Engine): Settings {
  const settings = settle(ownOptions(options));
  const limit = limitOf(options);
  const most = limit === 0 ? MEMORY_LARGEST : engine.pages * PAGE + limit;
  return {
    ...settings,
    memoryMax: Math.min(most, MEMORY_LARGEST),
    omit: `${settings.omit} ${BEYOND}`.trim(),
    ...replacedBy(options.wasi),
  };
}

/** The option `memoryLimit`; 0 without one. */
export function limitOf({ memoryLimit }: QuickJSOptions): number {
  return typeof memoryLimit === "number" && memoryLimit > 0 ? Math.floor(memoryLimit) : 0;
}

/** The option `extensions`, as torpor-vm takes it. */
export function extensionsOf(
  { extensions }: QuickJSOptions,
): readonly ExtensionOptions[] | undefined {
  return extensions as readonly ExtensionOptions[] | undefined;
}

function ownOptions(given: QuickJSOptions): Options {
  const {
    wasi: _wasi,
    extensions: _extensions,
    memoryLimit: _limit,
    maxStackSize,
    moduleLoader,
    ...rest
  } = given;
  const own: Options = { ...rest, exceptions: "throw" };
  const stack = stackOf(maxStackSize);
  if (stack !== undefined) own.maxStackSize = stack;
  if (moduleLoader !== undefined) own.moduleLoader = loaderOf(moduleLoader);
  return own;
}

function stackOf(size: number | undefined): number | undefined {
  if (size === undefined || size === 0) return undefined;
  if (!Number.isInteger(size) || size < 0 || size > MAX_STACK_SIZE) {
    throw new RangeError(`the option 'maxStackSize' is a whole number from 0 to ${MAX_STACK_SIZE}`);
  }
  return Math.max(size, STACK_LEAST);
}

function loaderOf(loader: NonNullable<QuickJSOptions["moduleLoader"]>): ModuleLoader {
  if (typeof loader.load !== "function") return loader;
  return {
    normalize: (importer, specifier) =>
      loader.normalize
        ? requireText("normalize", loader.normalize(importer, specifier))
        : specifier,
    load: (name) => requireText("load", loader.load(name)),
  };
}

function requireText(what: string, given: unknown): string {
  if (typeof given === "string") return given;
  throw new TypeError(
    `moduleLoader.${what} gives a string, at once, not ${describeHost(given)}; ` +
      "vm.evalModule of torpor-vm waits for promises",
  );
}
