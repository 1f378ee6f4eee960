// SPDX-License-Identifier: MIT
//
// forgotten.ts - handles that nobody disposed of. The host's collector says
// which are gone, and the VM releases their values when it is entered next.
//
// Watching a handle costs more than making it, and keeps the collector busy.
// So only those are watched that are still there at the host's next microtask, or
// when MOST others were made after them.
//
// A handle's number is never used again, so it does no harm that what was
// disposed of after that is released once more. Unregistering would cost as much
// as that.

import type { Core } from "./core.js";
import { ENDED, type JSValueHandle } from "./handle.js";

interface Watched {
  readonly core: WeakRef<Core>;
  readonly bits: bigint;
}

const MOST = 64;
const registry = new FinalizationRegistry<Watched>(({ core, bits }) => core.deref()?.forget(bits));
const turn = Promise.resolve();

/** The handles of a VM that are not watched yet. */
export class YoungHandles {
  private readonly handles: JSValueHandle[] = [];
  private readonly core: Core;
  private ref: WeakRef<Core> | undefined;
  /** At the end of the turn. */
  private isPlanned = false;

  constructor(core: Core) {
    this.core = core;
  }

  add(handle: JSValueHandle): void {
    if (this.handles.push(handle) >= MOST) this.watch();
    if (this.isPlanned) return;
    this.isPlanned = true;
    void turn.then(() => {
      this.isPlanned = false;
      this.watch();
    });
  }

  private watch(): void {
    const { handles, core } = this;
    for (let i = 0; i < handles.length && !core.disposed; i++) {
      if ((handles[i]!._state & ENDED) === 0) this.register(handles[i]!);
    }
    handles.length = 0;
  }

  private register(handle: JSValueHandle): void {
    const core = this.ref ??= new WeakRef(this.core);
    registry.register(handle, { core, bits: handle._bits });
  }
}
