/* SPDX-License-Identifier: MIT */
/* The least that a program does. */
globalThis.done = 1 + 2 === 3;
