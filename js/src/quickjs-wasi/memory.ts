// SPDX-License-Identifier: MIT
//
// memory.ts - what the guest's heap is made of, by the names of quickjs-wasi.

import type { MemoryUsage as OwnUsage } from "../memory.js";

/** Bytes and counts of the guest's heap. What is not counted apart is 0. */
export interface MemoryUsage extends OwnUsage {
  /** Bytes that are handed out, whatever for. */
  mallocSize: number;
  /** The option `memoryLimit`; 0 without one. */
  mallocLimit: number;
  /** The same as `mallocSize`. */
  memoryUsedSize: number;
  /** All things that are counted by kind. */
  mallocCount: number;
  /** The same as `mallocCount`. */
  memoryUsedCount: number;
  atomCount: number;
  atomSize: number;
  strCount: number;
  strSize: number;
  objCount: number;
  objSize: number;
  propCount: number;
  propSize: number;
  shapeCount: number;
  shapeSize: number;
  jsFuncCount: number;
  /** With the code and the lines of it. */
  jsFuncSize: number;
  /** Not counted apart. */
  jsFuncCodeSize: number;
  /** Not counted apart. */
  jsFuncPc2lineCount: number;
  /** Not counted apart. */
  jsFuncPc2lineSize: number;
  /** Not counted apart: they are among the objects. */
  cFuncCount: number;
  arrayCount: number;
  /** The same as `arrayCount`. */
  fastArrayCount: number;
  /** How many elements there is room for. */
  fastArrayElements: number;
  binaryObjectCount: number;
  binaryObjectSize: number;
  /** What `vm.getAllocatedSize()` gives. */
  allocatedSize: number;
}

/** Bytes of an element of an array. */
const ELEMENT = 8;

/** `used`: bytes that are handed out when it has been counted, which takes some. */
export function usageOf(own: OwnUsage, limit: number, used: number): MemoryUsage {
  const count = own.strings + own.names + own.objects + own.shapes + own.functions + own.arrays +
    own.buffers;
  return {
    ...own,
    used,
    mallocSize: used,
    mallocLimit: limit,
    memoryUsedSize: used,
    mallocCount: count,
    memoryUsedCount: count,
    atomCount: own.names,
    atomSize: own.nameBytes,
    strCount: own.strings,
    strSize: own.stringBytes,
    objCount: own.objects,
    objSize: own.objectBytes,
    propCount: own.properties,
    propSize: own.propertyBytes,
    shapeCount: own.shapes,
    shapeSize: own.shapeBytes,
    jsFuncCount: own.functions,
    jsFuncSize: own.functionBytes,
    jsFuncCodeSize: 0,
    jsFuncPc2lineCount: 0,
    jsFuncPc2lineSize: 0,
    cFuncCount: 0,
    arrayCount: own.arrays,
    fastArrayCount: own.arrays,
    fastArrayElements: own.elementBytes / ELEMENT,
    binaryObjectCount: own.buffers,
    binaryObjectSize: own.bufferBytes,
    allocatedSize: used,
  };
}
