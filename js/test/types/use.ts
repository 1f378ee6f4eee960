// SPDX-License-Identifier: MIT
//
// use.ts - a program that uses the package in TypeScript.

import { QuickJS } from "torpor-vm";

export async function add(): Promise<unknown> {
  const vm = await QuickJS.create();
  const sum = vm.evalCode("1 + 2");
  const result: unknown = vm.dump(sum);
  // @ts-expect-error: code is a string
  vm.evalCode(1);
  vm.dispose();
  return result;
}
