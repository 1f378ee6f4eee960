// SPDX-License-Identifier: MIT
//
// index.ts - what the package "torpor-vm" exports.

// Handles end with `using`, whatever libraries a program names.
/// <reference lib="esnext.disposable" preserve="true" />

export { Brand, PromiseState, Status } from "./abi.js";
export { type Cancel, type Driver, type Drivers, timerDriver } from "./driver.js";
export type { EngineSource } from "./engine.js";
export {
  BrokenError,
  BusyError,
  ChecksumError,
  DeadlockError,
  DisposedError,
  EngineError,
  ExistsError,
  ExtensionError,
  FormatError,
  InterruptedError,
  IoError,
  KeyError,
  LimitError,
  MisuseError,
  NewerError,
  NotFoundError,
  OutOfMemoryError,
  ParentError,
  StaleHandleError,
  type StatusName,
  TorporError,
  TrappedError,
  UnsupportedError,
  WrongTypeError,
} from "./errors.js";
export type { ExtensionBytes, ExtensionOptions } from "./extension.js";
export type { ExtensionInfo } from "./extension-list.js";
export { CompileFlags, type CompileOptions, EvalFlags, type EvalOptions } from "./eval.js";
export { defineFetch, fetchDriver, type FetchOptions } from "./fetch.js";
export { loadZstd } from "./format/pack.js";
export { isProtected, protectSnapshot, unprotectSnapshot } from "./format/protect.js";
export { packSnapshot, unpackSnapshot } from "./format/repack.js";
export { inspectSnapshot, type SnapshotInfo } from "./inspect-snapshot.js";
export { JSException } from "./exception.js";
export type { HostFunction, HostResult } from "./function.js";
export type { HostClass, HostClassOptions, HostMember } from "./host-class.js";
export { JSValueHandle } from "./handle.js";
export type { Inspection, WaitingPlace } from "./inspect.js";
export type { MemoryUsage } from "./memory.js";
export type { Operation, Outcomes } from "./operation.js";
export {
  type ConsoleFunction,
  type ConsoleLevel,
  Intrinsics,
  type ModuleKind,
  type ModuleLoader,
  type Options,
  type Wasi,
} from "./options.js";
export { type Deferred, type PromiseResult } from "./promise.js";
export type { OwnDescriptor, PropertyFlags, PropertyKeyLike } from "./property.js";
export type { RunOptions } from "./run-file.js";
export type { HandleScope } from "./scope.js";
export { type SaveOptions, Snapshot } from "./sleep.js";
export { QuickJS } from "./vm.js";
export { type PoolOptions, VMPool } from "./vm-pool.js";
