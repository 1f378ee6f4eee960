// SPDX-License-Identifier: MIT
//
// case-sleep.mjs - the ways in which a VM is put away and another one taken in
// its place.
//
//   whole   save, close, restore
//   chain   a difference from the last sleep is saved, the chain restored; at
//           each third sleep the VM goes on living, so that differences of both
//           kinds of VM are in the chain
//   fork    the VM is copied and closed, the copy goes on
//
// A VM that was just opened gives the same snapshot, byte for byte, as the one
// whose place it takes.

import { assert } from "./assert.mjs";
import { QuickJS } from "torpor-vm";

export const WAYS = ["whole", "chain", "fork"];

const LINKS_MOST = 20;

/** Whether two arrays have the same bytes. */
export function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export class Sleeper {
  constructor(way) {
    this.way = way;
    this.link = undefined; // the newest of the chain
    this.links = 0;
    this.sleeps = 0;
  }

  /** Before the first sleep: the chain begins with the VM as it is. */
  begin(vm) {
    if (this.way === "chain") this.addLink(vm);
  }

  addLink(vm) {
    const isNew = this.links % LINKS_MOST === 0;
    this.link = vm.snapshot(isNew ? {} : { since: this.link });
    this.links++;
  }

  /** Puts `vm` to sleep; gives the one that goes on. */
  async sleep(vm, options) {
    const whole = vm.snapshot().bytes;
    if (this.way === "chain") {
      this.addLink(vm);
      if (this.sleeps++ % 3 === 2) return vm;
    }
    const next = await this.open(vm, whole, options);
    vm.dispose();
    if (sameBytes(next.snapshot().bytes, whole)) return next;
    next.dispose();
    return assert.fail("what just woke has another snapshot");
  }

  open(vm, whole, options) {
    if (this.way === "fork") return vm.fork({ ...options, clone: false });
    return QuickJS.restore(this.way === "chain" ? this.link : whole, options);
  }
}
