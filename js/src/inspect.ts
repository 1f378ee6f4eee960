// SPDX-License-Identifier: MIT
//
// inspect.ts - looking into a VM: what it holds, and where it waits.
//
// The guest makes the report (docs/inspect.md), which takes memory: so it is
// made in a copy that has room to spare, and the VM stays as it is.
//
//  (1) No code of the program runs.
//  (2) Memory that contradicts itself harms only the copy. A snapshot of somebody
//      else's making may also keep the report from ending; only a worker that
//      can be ended helps against that.
//  (3) Nobody has the copy: its guest calls nothing on the host.

import { INSPECT_ALL, INSPECT_WAITING, MEMORY_LARGEST } from "./abi.js";
import { Core } from "./core.js";
import { readCbor } from "./data/cbor-read.js";
import { FormatError, LimitError } from "./errors.js";
import type { WaitingPlace } from "./inspect-snapshot.js";
import type { Instance } from "./instance.js";
import type { Settings } from "./options.js";
import { giveInstance } from "./pool.js";
import { forkInstance } from "./sleep.js";

export type { WaitingPlace } from "./inspect-snapshot.js";

/** What a VM holds: docs/inspect.md says what each of it means. */
export interface Inspection {
  readonly waiting: readonly WaitingPlace[];
  readonly heap: {
    readonly used: number;
    readonly free: number;
    readonly classes: readonly { class: string; count: number; bytes: number }[];
  };
  readonly largest: readonly {
    class: string;
    name: string;
    bytes: number;
    held_by: readonly string[];
  }[];
  /** How many are pending. */
  readonly operations: number;
  /** How many are in the queue. */
  readonly jobs: number;
  /** Names of the host functions that it knows. */
  readonly functions: readonly string[];
}

const CONTRADICTION =
  "the VM's memory contradicts itself and cannot be looked into; restore a snapshot";
const REPORT_LARGEST = 4 << 20;
const ROOM = 16 << 20;

function settingsOf({ settings }: Core): Settings {
  const memoryMax = Math.min(2 * settings.memoryMax + ROOM, MEMORY_LARGEST);
  return { ...settings, memoryMax, fuel: 0, deadline: 0 };
}

function takeReport(copy: Core, what: number): Uint8Array {
  const { instance, exports } = copy;
  copy.check(copy.enter(() => exports.torpor_inspect(what)));
  const address = instance.integer(0);
  const size = instance.integer(1);
  if (size > REPORT_LARGEST) instance.damaged("its report");
  instance.range(address, size, "its report");
  return instance.u8.slice(address, address + size);
}

function failed(copy: Instance, error: unknown): unknown {
  if (copy.broken === null) return error;
  if (error instanceof LimitError) return error;
  return new FormatError(CONTRADICTION, { cause: error });
}

/** A report as CBOR; `what` is INSPECT_WAITING or INSPECT_ALL. */
export function reportOf(core: Core, what: number): Uint8Array {
  const instance = forkInstance(core);
  try {
    const copy = new Core(instance, settingsOf(core), false);
    copy.arm();
    return takeReport(copy, what);
  } catch (error) {
    throw failed(instance, error);
  } finally {
    giveInstance(instance);
  }
}

/** Where its suspended functions wait. */
export function waitingPlaces(core: Core): WaitingPlace[] {
  const places = readCbor(reportOf(core, INSPECT_WAITING));
  if (!Array.isArray(places)) throw new FormatError(CONTRADICTION);
  return places;
}

/** All of a report. */
export function inspection(core: Core): Inspection {
  const report = readCbor(reportOf(core, INSPECT_ALL)) as Inspection;
  if (!Array.isArray(report?.waiting)) throw new FormatError(CONTRADICTION);
  return report;
}
