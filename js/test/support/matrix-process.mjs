// SPDX-License-Identifier: MIT
//
// matrix-process.mjs - matrix-host.mjs as a process: reads what to do from the file that it is
// given, and prints the answer as JSON.

import { readFileSync } from "node:fs";
import process from "node:process";
import { play } from "./matrix-host.mjs";

const answer = await play(JSON.parse(readFileSync(process.argv[2], "utf8")));
console.log(JSON.stringify(answer));
