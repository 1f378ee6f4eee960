// SPDX-License-Identifier: MIT
//
// random.mjs - numbers for random histories, the same in each run and host.

/**
 * A function that draws an integer of at least 0 and below its argument. It takes the upper bits:
 * the lower ones of such generators repeat after a few draws, so that most operations of a history
 * would never be drawn.
 */
export function newRandom(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
