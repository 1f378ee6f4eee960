// SPDX-License-Identifier: MIT
//
// pool.ts - instances that are reset to the baseline and used again: a new one
// costs page faults, which is most of what a short-lived VM costs.
//
//  (1) A reset covers all memory that the instance has, whatever its guest says
//      or did. Nothing of one VM can be seen by the next. Of a large memory what
//      lies behind the baseline is reset last: by whoever takes the instance, who
//      mostly writes there anyway.
//  (2) An instance that is broken, or whose memory is far larger than the
//      baseline, is not used again.
//  (3) Extensions that have no state of their own stay bound to an instance, for a
//      VM that wants the same ones at the same places; nothing else can call them.
//  (4) A VM gets exactly as many pages as it needs, since it can see how many
//      there are.

import type { Engine } from "./engine.js";
import { OutOfMemoryError } from "./errors.js";
import { areSame, canStay, dropExtensions, type Linked } from "./extension-table.js";
import { type Instance, NOBODY } from "./instance.js";
import { clearBehind, reset } from "./reset.js";
import { forgetSnapshots } from "./snapshot.js";

const PAGE = 65536;
const PAGES_MOST = 65536;
const IDLE_MOST = 16;
/** Bytes of memory that idle instances of an engine may have together. */
const IDLE_BYTES = 96 << 20;
/** Entries that extensions may have left in the table of an idle instance, empty. */
const TABLE_MOST = 16384;
/**
 * Extensions that an idle instance may have had, one after the other: some hosts keep all instances
 * that import a table for as long as that lives (V8 up to 12).
 */
const BOUND_MOST = 64;

/** An instance with the memory of the baseline. */
export function takeInstance(engine: Engine): Instance {
  const instance = takeUsed(engine, engine.pages, []);
  if (instance.isStale) clearBehind(instance);
  return instance;
}

/**
 * The same with that many pages, and the extensions `linked`, or none. If it is stale, the caller
 * writes all that lies behind the baseline.
 */
export function takeUsed(
  engine: Engine,
  pages: number,
  linked: readonly Linked[],
): Instance {
  const instance = takeIdle(engine, pages, linked) ?? engine.newInstance();
  const have = instance.memory.buffer.byteLength / PAGE;
  if (have < pages) grow(instance, pages - have);
  return instance;
}

/** The largest that is not too large; rather one with the extensions that are wanted. */
function takeIdle(
  engine: Engine,
  pages: number,
  linked: readonly Linked[],
): Instance | undefined {
  let best = -1;
  let bestRank = -1;
  for (let i = 0; i < engine.idle.length; i++) {
    const idle = engine.idle[i]!;
    const size = idle.u8.length / PAGE;
    const isWanted = areSame(idle.linked, linked);
    const rank = size > pages ? -1 : isWanted ? PAGES_MOST + size : size;
    if (rank > bestRank) [best, bestRank] = [i, rank];
    if (isWanted && size === pages) break;
  }
  if (best < 0) return undefined;
  const [taken] = engine.idle.splice(best, 1);
  if (!areSame(taken!.linked, linked)) dropExtensions(taken!);
  return taken;
}

function grow(instance: Instance, pages: number): void {
  try {
    instance.memory.grow(pages);
  } catch (error) {
    throw new OutOfMemoryError("the host has no memory for this VM", { cause: error });
  }
  instance.look();
}

/** Takes an instance back from a VM that has ended. */
export function giveInstance(instance: Instance): void {
  const { engine } = instance;
  instance.seat = NOBODY;
  forgetSnapshots(instance);
  if (!canStay(instance.linked)) dropExtensions(instance);
  if (instance.broken !== null || engine.idle.length >= IDLE_MOST) return;
  let bytes = instance.u8.length;
  for (const idle of engine.idle) bytes += idle.u8.length;
  const table = instance.exports.__indirect_function_table.length;
  if (bytes > IDLE_BYTES || table > engine.tableSize + TABLE_MOST) return;
  if (instance.bound > BOUND_MOST) return;
  if (tryReset(instance)) engine.idle.push(instance);
}

/** False: the host has no memory for the baseline, which is made at the first reset. */
function tryReset(instance: Instance): boolean {
  try {
    reset(instance);
    return true;
  } catch (error) {
    if (error instanceof OutOfMemoryError) return false;
    throw error;
  }
}
