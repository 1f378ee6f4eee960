// SPDX-License-Identifier: MIT
// A program that waits. Put it to sleep in the middle, reload
// the page, and wake it: it goes on where it was.

import { signal, sleep } from "torpor:run";

let ticks = 0;

async function tick() {
  while (ticks < 60) {
    await sleep("1 s");
    console.log(`tick ${++ticks}`);
  }
}

async function welcome(seats) {
  const guests = [];
  while (guests.length < seats) {
    const name = await signal("guest"); // a button sends it
    guests.push(name ?? "somebody");
    console.log(`${guests.at(-1)} came after ${ticks} ticks`);
  }
  return guests;
}

setTimeout(() => console.log("ten seconds are over"), 10_000);

const [guests] = await Promise.all([welcome(3), tick()]);
console.log(`all are here: ${guests.join(", ")}`);
