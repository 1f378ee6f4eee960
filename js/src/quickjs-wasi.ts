// SPDX-License-Identifier: MIT
//
// quickjs-wasi.ts - what "torpor-vm/quickjs-wasi" exports: the names that
// programs written for npm's quickjs-wasi 3.7 import.
//
// The VMs are those of torpor-vm. What is different here is in quickjs-wasi/, a
// file for each subject; what cannot be the same is in
// docs/moving-from-quickjs-wasi.md.

// Handles end with `using`, whatever libraries a program names.
/// <reference lib="esnext.disposable" preserve="true" />

export { CompileFlags, EvalFlags } from "./quickjs-wasi/flags.js";
export { JSException } from "./quickjs-wasi/exception.js";
export type { MemoryUsage } from "./quickjs-wasi/memory.js";
export {
  type ExtensionDescriptor,
  Intrinsics,
  MAX_STACK_SIZE,
  type QuickJSOptions,
} from "./quickjs-wasi/options.js";
export { type HostFunction, QuickJS } from "./quickjs-wasi/vm.js";
export type { WasiOptions } from "./quickjs-wasi/wasi.js";
export { JSValueHandle } from "./handle.js";
export type { Deferred, PromiseResult } from "./promise.js";
export type {
  OwnDescriptor as JSOwnPropertyDescriptor,
  PropertyFlags as JSPropertyDescriptor,
} from "./property.js";
export type { Snapshot } from "./sleep.js";
export type { HandleScope } from "./scope.js";
