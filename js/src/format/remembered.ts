// SPDX-License-Identifier: MIT
//
// remembered.ts - what a VM was at the snapshot that its next difference is
// from.
//
// A difference is from bytes that the caller gives: so what the VM was then can
// always be laid out of them, and keeping it is only a way to spare that. It is
// kept from the first difference on, and then brought up to date with each.
//
// What is kept is found by the identity of the bytes, or by their id. So it
// never matters to whom an instance belonged before.

import type { Instance } from "../instance.js";
import { MisuseError } from "../errors.js";
import { allocate, equalBytes } from "./bytes.js";
import { comparable } from "./compare.js";
import { type Loaded, loadSnapshot } from "./loaded.js";
import type { Before } from "./scanner.js";
import { sha256 } from "./sha256.js";

interface Remembered extends Before {
  /** The snapshot of that time; its id once that was asked for. */
  snapshot: Uint8Array;
  id: Uint8Array | undefined;
  pages: number;
}

const kept = new WeakMap<Instance, Remembered>();
const restored = new WeakMap<Instance, Loaded>();

/** Room that memory may grow before what is kept is laid out anew. */
const SLACK = 1 << 20;

function idOf(remembered: Remembered): Uint8Array {
  return (remembered.id ??= sha256(remembered.snapshot));
}

function isSame(known: Uint8Array, given: Uint8Array): boolean {
  return known === given || equalBytes(known, given);
}

/** The chain that ends with `since`: that, or a part of what the VM was restored
 * from. */
function chainOf(
  instance: Instance,
  since: readonly Uint8Array[],
): readonly Uint8Array[] {
  const pieces = restored.get(instance)?.pieces ?? [];
  if (since.length > 1) return since;
  const at = pieces.findIndex((piece) => isSame(piece, since[0]!));
  return at < 0 ? since : pieces.slice(0, at + 1);
}

function layOut(
  instance: Instance,
  since: readonly Uint8Array[],
  limit: number,
): Remembered {
  const loaded = loadSnapshot(chainOf(instance, since), instance.engine, {
    memoryMax: Infinity,
  });
  const bytes = loaded.image(limit + SLACK);
  return {
    bytes,
    compared: comparable(bytes),
    limit: loaded.limit,
    snapshot: since.at(-1)!,
    id: undefined,
    pages: loaded.pages,
  };
}

function grow(remembered: Remembered, limit: number): void {
  if (remembered.bytes.length >= limit) return;
  const bytes = allocate(limit + SLACK);
  bytes.set(remembered.bytes);
  remembered.bytes = bytes;
  remembered.compared = comparable(bytes);
}

/** What the VM in `instance` was at snapshot `since`, or at the end of a chain. */
export function recall(
  instance: Instance,
  since: Uint8Array | readonly Uint8Array[],
  limit: number,
): { before: Before; parent: Uint8Array } {
  const chain = since instanceof Uint8Array ? [since] : since;
  if (
    !Array.isArray(chain) || !chain.every((piece) => piece instanceof Uint8Array) ||
    chain.length === 0
  ) {
    throw new MisuseError("'since' is an earlier snapshot, or the chain that ends with it");
  }
  let found = kept.get(instance);
  if (!found || !isSame(found.snapshot, chain.at(-1)!)) {
    kept.delete(instance);
    found = layOut(instance, chain, limit);
  }
  if (found.pages > instance.memory.buffer.byteLength / 65536) {
    throw new MisuseError(
      "'since' is a snapshot of a VM that has more memory than this one; memory does not shrink",
    );
  }
  grow(found, limit);
  kept.set(instance, found);
  return { before: found, parent: idOf(found) };
}

/** Says what the kept state is a snapshot of by now. */
export function rename(instance: Instance, snapshot: Uint8Array): void {
  const found = kept.get(instance);
  if (!found) return;
  found.snapshot = snapshot;
  found.id = undefined;
  found.pages = instance.memory.buffer.byteLength / 65536;
}

/** Notes what the VM in `instance` was restored from. */
export function noteRestored(instance: Instance, loaded: Loaded): void {
  kept.delete(instance);
  restored.set(instance, loaded);
}

/** Forgets what is kept: it is laid out anew for the next difference. */
export function forgetKept(instance: Instance): void {
  kept.delete(instance);
}

/** Forgets all of that: the VM is gone. */
export function forget(instance: Instance): void {
  kept.delete(instance);
  restored.delete(instance);
}
