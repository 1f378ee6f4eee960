// SPDX-License-Identifier: MIT
//
// show.ts - what the consoles of Node, Deno and Bun print of the objects of this
// package: what they are, and not what they are made of. Looking changes nothing
// in the VM, and asks it nothing.

/** The name of the method that those consoles call. */
export const SHOW: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;
