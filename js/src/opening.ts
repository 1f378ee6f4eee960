// SPDX-License-Identifier: MIT
//
// opening.ts - what options say that a VM is made of: settings, an engine, and
// extensions.

import { type Engine, loadEngine } from "./engine.js";
import { type GivenExtension, takeExtensions } from "./extension.js";
import { type Options, type Settings, settle, takeOptions } from "./options.js";

export interface Parts {
  settings: Settings;
  engine: Engine;
  extensions: readonly GivenExtension[];
}

export async function takeParts(
  options?: Options | BufferSource | WebAssembly.Module,
): Promise<Parts> {
  const taken = takeOptions(options);
  const settings = settle(taken);
  const loading = [loadEngine(taken.wasm), takeExtensions(taken.extensions)] as const;
  const [engine, extensions] = await Promise.all(loading);
  return { settings, engine, extensions };
}
