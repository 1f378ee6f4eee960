// SPDX-License-Identifier: MIT
//
// scope.ts - handles that end together: all that are made while a function runs.
//
// What the package itself keeps beyond a call (what waits for a promise, or
// settles one) is made outside of scopes.

import type { Core } from "./core.js";
import { MisuseError } from "./errors.js";
import { JSException } from "./exception.js";
import type { JSValueHandle } from "./handle.js";

/** What `withScope` gives to its function. */
export interface HandleScope {
  /**
   * Keeps a handle beyond the scope: it then belongs to the scope around it, or to the caller.
   * @example vm.withScope((scope) => scope.escape(vm.newString("tea"))).toString() // "tea"
   */
  escape<T extends JSValueHandle>(handle: T): T;
}

export function runInScope<T>(core: Core, use: (scope: HandleScope) => T): T {
  const outer = core.scope;
  const own: JSValueHandle[] = [];
  const escaped = new Set<JSValueHandle>();
  core.scope = own;
  try {
    return requireNow(use({ escape: (handle) => escape(core, escaped, handle) }));
  } catch (error) {
    // Who catches it wants to see what was thrown.
    if (error instanceof JSException) escaped.add(error.handle);
    throw error;
  } finally {
    core.scope = outer;
    for (const handle of own) {
      if (!escaped.has(handle)) handle.dispose();
      else outer?.push(handle);
    }
  }
}

function escape<T extends JSValueHandle>(core: Core, escaped: Set<JSValueHandle>, handle: T): T {
  core.require(handle);
  escaped.add(handle);
  return handle;
}

/** A promise settles after the scope has ended the handles that it is about. */
function requireNow<T>(result: T): T {
  if (!(result instanceof Promise)) return result;
  result.catch(() => {});
  throw new MisuseError(
    `withScope takes a function that is not asynchronous; its handles end when it returns`,
  );
}
