// SPDX-License-Identifier: MIT
//
// flags.ts - flags of evalCode and compile, by the names of quickjs-wasi.

import { EvalFlags as OwnEvalFlags } from "../eval.js";

export { CompileFlags } from "../eval.js";

/** How code is evaluated, for `evalCode` and `compile`. */
export const EvalFlags = {
  ...OwnEvalFlags,
  /** Check the syntax and run nothing. */
  COMPILE_ONLY: 32,
} as const;
