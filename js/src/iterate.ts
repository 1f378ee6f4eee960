// SPDX-License-Identifier: MIT
//
// iterate.ts - taking one value after another out of whatever for...of does.

import { OP_ITERATE, OP_ITERATE_END, OP_ITERATE_NEXT } from "./abi.js";
import type { Core } from "./core.js";
import type { JSValueHandle } from "./handle.js";
import { askFor } from "./property.js";

/**
 * The items, whose handles are the caller's. A loop that is left early has the iterator's `return`
 * called, as in the guest.
 */
export function* iterate(
  core: Core,
  iterable: JSValueHandle,
): Generator<JSValueHandle, void, undefined> {
  const [iterator, next] = askFor(
    core,
    OP_ITERATE,
    iterable,
    0n,
    () => [core.take(0), core.take(1)] as const,
  );
  let isDone = true; // also one that threw
  try {
    for (;;) {
      const item = askFor(
        core,
        OP_ITERATE_NEXT,
        iterator,
        core.bits(next),
        () => core.instance.integer(1) === 1 ? undefined : core.take(0),
      );
      if (item === undefined) return;
      isDone = false;
      yield item;
      isDone = true;
    }
  } finally {
    if (!isDone && !core.disposed) askFor(core, OP_ITERATE_END, iterator, 0n, () => undefined);
    iterator.dispose();
    next.dispose();
  }
}
