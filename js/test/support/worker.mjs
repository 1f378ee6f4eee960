// SPDX-License-Identifier: MIT
//
// worker.mjs - runs the tests of one file in a web worker. The file is bundled
// with it, since import maps are of pages alone.

import "test-file";
import { runListed } from "./browser-run.mjs";

await runListed((result) => postMessage(result));
