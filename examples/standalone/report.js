// SPDX-License-Identifier: MIT
//
// report.js - says how busy this computer is, in words of its own.
import { args } from "torpor:script";
import { average, minutes } from "load";
import { inWords } from "./format.js";

const [one, five, fifteen] = average();
console.log(minutes.join(", "), "minutes:", [one, five, fifteen].map(inWords).join(", "));
console.log("asked for:", args().join(" "));
