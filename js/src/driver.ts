// SPDX-License-Identifier: MIT
//
// driver.ts - what performs operations: functions by the kind of operation.
//
// A driver gets an operation and a function that ends it, which it calls once,
// never before it has returned. It may give a function that stops what it does;
// that is called when the program cancels the operation or the VM ends. After a
// restore drivers get all operations that are pending, marked as `resumed`: a
// timer keeps the moment when it is due.

import { MisuseError } from "./errors.js";
import type { Operation, Outcomes } from "./operation.js";

/** Stops what a driver does for one operation. */
export type Cancel = () => void;

/** Performs operations of one kind. */
export type Driver = (
  operation: Operation,
  settle: (outcome: Outcomes) => void,
) => Cancel | void;

/** Drivers by kind. */
export type Drivers = Readonly<Record<string, Driver>>;

export class DriverSet {
  private readonly drivers: Map<string, Driver>;

  constructor(drivers: Drivers = {}) {
    if (typeof drivers !== "object" || drivers === null) {
      throw new MisuseError(
        "the option 'drivers' is an object: functions by the kind of operation",
      );
    }
    this.drivers = new Map(Object.entries(drivers));
    for (const [kind, driver] of this.drivers) {
      if (typeof driver !== "function") {
        throw new MisuseError(`the driver for '${kind}' is not a function`);
      }
    }
  }

  get size(): number {
    return this.drivers.size;
  }

  find(kind: string): Driver | undefined {
    return this.drivers.get(kind);
  }
}

/** The longest that the host's own timers wait at once. */
const LONGEST = 0x7fffffff;

interface Waiting {
  readonly due: number;
  readonly id: number;
  readonly settle: (outcome: Outcomes) => void;
}

/**
 * Performs the guest's `setTimeout` and `setInterval` with the host's timers:
 * what is due first comes first, of two the one that began first.
 *
 * ```js
 * using vm = await QuickJS.create({ drivers: { timer: timerDriver() } });
 * ```
 */
export function timerDriver(now: () => number = Date.now): Driver {
  /* The last comes first, so that taking it moves nothing. */
  const waiting: Waiting[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Where `one` is, or belongs. */
  const place = (one: Waiting): number => {
    let low = 0, high = waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = waiting[middle]!;
      if (other.due > one.due || (other.due === one.due && other.id > one.id)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const arm = (): void => {
    clearTimeout(timer);
    const first = waiting.at(-1);
    if (first === undefined) return;
    timer = setTimeout(fire, Math.min(Math.max(Math.ceil(first.due - now()), 0), LONGEST));
  };
  const fire = (): void => {
    const moment = now();
    for (let first = waiting.at(-1); first && first.due <= moment; first = waiting.at(-1)) {
      waiting.pop();
      first.settle({ value: undefined });
    }
    arm();
  };
  return ({ due = 0, id }, settle) => {
    const one: Waiting = { due, id, settle };
    waiting.splice(place(one), 0, one);
    if (waiting.at(-1) === one) arm();
    return () => {
      const at = place(one);
      if (waiting[at] !== one) return;
      waiting.splice(at, 1);
      if (at === waiting.length) arm();
    };
  };
}
