// SPDX-License-Identifier: MIT
//
// extension-table.ts - the part of an instance's function table that extensions
// have, behind the engine's own.
//
//  (1) A host's table cannot shrink. So it may be larger than the VM's, whose size
//      is `instance.tableSize`; what lies behind that is null.
//  (2) An entry keeps the extension alive whose function it is.

import { OutOfMemoryError } from "./errors.js";
import type { Extension } from "./extension.js";
import type { ExtensionRecord } from "./format/extensions.js";
import type { Instance } from "./instance.js";

/** An extension that is loaded in an instance. */
export interface Linked {
  readonly extension: Extension;
  readonly record: ExtensionRecord;
}

/** Makes room in the table up to `size`; what is there already is null. */
export function growTable(instance: Instance, size: number): void {
  const table = instance.exports.__indirect_function_table;
  if (table.length >= size) return;
  try {
    table.grow(size - table.length);
  } catch (error) {
    throw new OutOfMemoryError(`the host has no memory for a table of ${size} functions`, {
      cause: error,
    });
  }
}

/** Empties the table from `from` on. */
export function clearTable(instance: Instance, from: number): void {
  const table = instance.exports.__indirect_function_table;
  for (let i = from; i < table.length; i++) table.set(i, null);
}

/** Whether these are the same extensions at the same places. */
export function areSame(some: readonly Linked[], others: readonly Linked[]): boolean {
  return some === others || some.length === others.length &&
      some.every(({ extension, record }, i) => {
        const other = others[i]!;
        return extension === other.extension && record.name === other.record.name &&
          record.memory === other.record.memory && record.table === other.record.table;
      });
}

/** Whether an instance that is used again may have them as they are. */
export function canStay(linked: readonly Linked[]): boolean {
  return linked.every(({ extension }) => extension.side.isStateless);
}

/** Drops all extensions of an instance. */
export function dropExtensions(instance: Instance): void {
  const { tableSize } = instance.engine;
  if (instance.exports.__indirect_function_table.length > tableSize) {
    clearTable(instance, tableSize);
  }
  instance.linked = [];
  instance.tableSize = tableSize;
}
