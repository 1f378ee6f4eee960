// SPDX-License-Identifier: MIT
//
// main.js - what an application does that says nothing about the engine's file.

import { QuickJS } from "torpor-vm";

const vm = await QuickJS.create();
const sum = vm.evalCode("[1, 2, 3].reduce((a, b) => a + b)");
document.querySelector("#result").textContent = `sum: ${vm.dump(sum)}`;
vm.dispose();
