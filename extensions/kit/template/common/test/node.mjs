// SPDX-License-Identifier: MIT
//
// node.mjs - runs test.js in a VM, and puts a VM with the extension to sleep.

import { readFileSync } from "node:fs";
import { QuickJS } from "torpor-vm";

const at = (name) => readFileSync(new URL(name, import.meta.url));
const extensions = [{ name: "example-name", wasm: at("../example-name.wasm") }];

const vm = await QuickJS.create({ extensions });
vm.unwrapResult(vm.evalCode(at("test.js").toString(), "test.js")).dispose();
vm.unwrapResult(vm.evalCode("globalThis.kept = list")).dispose();
const bytes = vm.snapshot().bytes;
vm.dispose();

const woken = await QuickJS.restore(bytes, { extensions });
const sum = woken.dump(woken.unwrapResult(woken.evalCode("kept.push(50); kept.sum()")));
woken.dispose();
if (sum !== 5100) throw new Error(`the list woke with a sum of ${sum}`);
console.log("example-name: good in Node");
