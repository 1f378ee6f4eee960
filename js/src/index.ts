// SPDX-License-Identifier: MIT
//
// index.ts - what the package "torpor-vm" exports.

export { Brand, PromiseState, Status } from "./abi.js";
export { timerDriver, type Cancel, type Driver, type Drivers } from "./driver.js";
export type { EngineSource } from "./engine.js";
export {
  BrokenError, BusyError, ChecksumError, DeadlockError, DisposedError, EngineError, ExistsError, ExtensionError,
  FormatError, InterruptedError, IoError, KeyError, LimitError, MisuseError, NewerError, NotFoundError,
  OutOfMemoryError, ParentError, StaleHandleError, TorporError, TrappedError, UnsupportedError, WrongTypeError,
  type StatusName,
} from "./errors.js";
export { CompileFlags, EvalFlags, type CompileOptions, type EvalOptions } from "./eval.js";
export { JSException } from "./exception.js";
export type { HostFunction, HostResult } from "./function.js";
export { JSValueHandle } from "./handle.js";
export type { MemoryUsage } from "./memory.js";
export type { Operation, Outcomes } from "./operation.js";
export {
  Intrinsics,
  type ConsoleFunction,
  type ConsoleLevel,
  type ModuleKind,
  type ModuleLoader,
  type Options,
  type Wasi,
} from "./options.js";
export { type Deferred, type PromiseResult } from "./promise.js";
export type { OwnDescriptor, PropertyFlags, PropertyKeyLike } from "./property.js";
export { Snapshot, type SaveOptions } from "./sleep.js";
export { QuickJS, type HandleScope } from "./vm.js";
export { VMPool, type PoolOptions } from "./vm-pool.js";
