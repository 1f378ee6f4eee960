// SPDX-License-Identifier: MIT
// A program that lives for years, and its next version, reminders-2.mjs.
//
//   torpor run examples/reminders-1.mjs --id reminders --detach
//   torpor worker &
//   torpor signal reminders add '"water the plants"'
//   torpor signal reminders add '"pay the rent"'
//   torpor logs reminders
//
// To move it to the new version, stop the worker first:
//
//   torpor upgrade reminders examples/reminders-2.mjs --dry-run
//   torpor upgrade reminders examples/reminders-2.mjs
import { exportState, signal } from "torpor:run";

const texts = [];

// What a later version gets: plain data, with a number that tells its shape.
exportState(() => ({ version: 1, texts }));

for (;;) {
  texts.push(await signal("add"));
  console.log(`${texts.length}: ${texts.at(-1)}`);
}
