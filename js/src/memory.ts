// SPDX-License-Identifier: MIT
//
// memory.ts - what the guest's heap is made of.

import { Status } from "./abi.js";
import type { Core } from "./core.js";
import { MisuseError } from "./errors.js";

/** Bytes of the guest's heap, and how many things there are in it, by kind. */
export interface MemoryUsage {
  stringBytes: number;
  strings: number;
  /** Names of properties and variables. */
  nameBytes: number;
  names: number;
  objectBytes: number;
  objects: number;
  propertyBytes: number;
  properties: number;
  /** What objects with the same names share. */
  shapeBytes: number;
  shapes: number;
  /** Code. */
  functionBytes: number;
  functions: number;
  elementBytes: number;
  arrays: number;
  bufferBytes: number;
  buffers: number;
  /** Bytes of heap at which the collector has its next turn. */
  collect: number;
  /** Bytes of heap that are handed out, whatever for. */
  used: number;
  /** Bytes of linear memory. */
  memory: number;
  /** Handles that live. */
  handles: number;
}

const FIELDS = [
  "stringBytes",
  "strings",
  "nameBytes",
  "names",
  "objectBytes",
  "objects",
  "propertyBytes",
  "properties",
  "shapeBytes",
  "shapes",
  "functionBytes",
  "functions",
  "elementBytes",
  "arrays",
  "bufferBytes",
  "buffers",
  "collect",
  "used",
] as const;

export function memoryUsage(core: Core): MemoryUsage {
  core.begin();
  const { instance, exports } = core;
  const status = core.enter(() => exports.torpor_heap());
  if (status !== Status.OK) core.refuse(status);
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  instance.range(address, size, "what the heap is made of");
  const view = new DataView(instance.u8.buffer, address, size);
  const usage = {} as Record<string, number>;
  FIELDS.forEach((field, i) => {
    usage[field] = size >= 8 * (i + 1) ? Number(view.getBigUint64(8 * i, true)) : 0;
  });
  if (owned) core.enter(() => exports.torpor_release(address));
  usage["memory"] = instance.u8.length;
  usage["handles"] = core.handleCount;
  return usage as unknown as MemoryUsage;
}

/**
 * Bytes of heap at which the collector has its next turn; `set`: not earlier than that from now on.
 */
function collector(core: Core, bytes: number, set: 0 | 1): number {
  core.begin();
  core.check(core.enter(() => core.exports.torpor_collector(bytes, set)));
  return core.instance.integer(0);
}

export function collectorThreshold(core: Core): number {
  return collector(core, 0, 0);
}

/** 0: when the heap has grown by half. */
export function setCollectorThreshold(core: Core, bytes: number): void {
  if (typeof bytes !== "number" || !(bytes >= 0 && bytes <= 0xffffffff)) {
    throw new MisuseError("the collector's threshold is a number of bytes, less than 2^32");
  }
  collector(core, Math.floor(bytes), 1);
}
