// SPDX-License-Identifier: MIT
//
// versions.ts - which versions a VM is made of.

import { ABI_VERSION } from "./abi.js";
import type { Engine } from "./engine.js";
import { PACKAGE_VERSION, QUICKJS_VERSION } from "./engine-id.js";

export function versionsOf(engine: Engine): Record<string, string> {
  return {
    "torpor-vm": PACKAGE_VERSION,
    "quickjs-ng": QUICKJS_VERSION,
    abi: String(ABI_VERSION),
    engine: engine.idHex,
  };
}
