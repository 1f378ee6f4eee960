// SPDX-License-Identifier: MIT
//
// given.ts - snapshots as programs give them: bytes, or what has them.

import { MisuseError } from "../errors.js";

/** A snapshot's bytes, or what vm.snapshot gave. */
export type GivenSnapshot = Uint8Array | { readonly bytes: Uint8Array };

/** A copy of its bytes, for what waits: its owner may change them. */
export function copyGiven(snapshot: GivenSnapshot, name: string): Uint8Array<ArrayBuffer> {
  const bytes = snapshot instanceof Uint8Array ? snapshot : snapshot?.bytes;
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes);
  throw new MisuseError(`${name} takes a snapshot: what vm.snapshot gave, or its bytes`);
}
