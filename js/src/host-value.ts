// SPDX-License-Identifier: MIT
//
// host-value.ts - words for values of the host, in sentences of errors.

/** What a host value is, for sentences. */
export function describeHost(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "function") return "a function";
  if (typeof value === "object") {
    return Array.isArray(value) ? "an array" : "an object";
  }
  return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}
