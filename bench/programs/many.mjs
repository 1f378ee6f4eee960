/* SPDX-License-Identifier: MIT */
/* many.mjs - a program of bench-many: it sleeps until a time, if its input has
 * one, and then until it is told to go on, again and again. */
import { input, signal, sleep } from "torpor:run";

const { at } = input();
if (at > 0) await sleep(Math.max(at - Date.now(), 0));
for (;;) await signal("go");
