// SPDX-License-Identifier: MIT
//
// extensions.ts - the section of a snapshot that says which extensions its VM has
// loaded, in their order, and where each lies: CBOR, an array of
// [name, version, hash, memory address, memory size, table index, table size].

import { ExtensionError } from "../errors.js";
import { equalBytes, Parts } from "./bytes.js";
import { ARRAY, BYTES, TEXT, UNSIGNED, writeHead } from "./cbor.js";
import { refuse } from "./container.js";
import { checkList, ListReader } from "./lists.js";
import { ID_SIZE } from "./sha256.js";

/** An extension as it is loaded in a VM. */
export interface ExtensionRecord {
  readonly name: string;
  readonly version: string;
  /** 32 bytes: the SHA-256 of its file. */
  readonly hash: Uint8Array;
  /** Where its data lies; 0 when it has none. */
  readonly memory: number;
  readonly memorySize: number;
  /** Where in the function table its functions begin. */
  readonly table: number;
  readonly tableSize: number;
}

/** Behind the entries of an extension there are as many that it uses while it is loaded. */
export const TABLE_EXTRA = 3;

/** How many a VM may have. */
export const EXTENSIONS_MOST = 64;

const FIELDS = 7;
const BAD = "its extensions";
const TEXT_LARGEST = 63;
const utf8 = new TextEncoder();
const decoder = new TextDecoder();

/** The size of the function table with these extensions, of an engine with one of `own`. */
export function tableSizeWith(own: number, records: readonly ExtensionRecord[]): number {
  const last = records.at(-1);
  return last === undefined ? own : last.table + last.tableSize + TABLE_EXTRA;
}

export function writeExtensions(records: readonly ExtensionRecord[]): Parts {
  const to = new Parts();
  const text = (value: string) => {
    const bytes = utf8.encode(value);
    writeHead(to, TEXT, bytes.length);
    to.add(bytes);
  };
  writeHead(to, ARRAY, records.length);
  for (const record of records) {
    writeHead(to, ARRAY, FIELDS);
    text(record.name);
    text(record.version);
    writeHead(to, BYTES, record.hash.length);
    to.add(record.hash);
    writeHead(to, UNSIGNED, record.memory);
    writeHead(to, UNSIGNED, record.memorySize);
    writeHead(to, UNSIGNED, record.table);
    writeHead(to, UNSIGNED, record.tableSize);
  }
  return to;
}

function readRecord(reader: ListReader): ExtensionRecord {
  const number = (): number => {
    const { value } = reader.head(UNSIGNED);
    return value <= 0xffffffff ? value : refuse(BAD);
  };
  const text = (): string => {
    const bytes = reader.data(TEXT);
    return bytes.length <= TEXT_LARGEST ? decoder.decode(bytes) : refuse(BAD);
  };
  if (reader.head(ARRAY).value !== FIELDS) refuse(BAD);
  const [name, version, hash] = [text(), text(), reader.data(BYTES).slice()];
  if (name === "" || hash.length !== ID_SIZE) refuse(BAD);
  return {
    name,
    version,
    hash,
    memory: number(),
    memorySize: number(),
    table: number(),
    tableSize: number(),
  };
}

/** The extensions in the section of that name. */
export function readExtensions(content: Uint8Array): ExtensionRecord[] {
  checkList(content, ARRAY);
  const reader = new ListReader(content);
  const found: ExtensionRecord[] = [];
  for (let count = reader.head(ARRAY).value; count > 0; count--) found.push(readRecord(reader));
  // A VM without extensions has no such section, and one has none of them twice.
  if (found.length === 0 || found.length > EXTENSIONS_MOST) refuse(BAD);
  if (new Set(found.map(({ name }) => name)).size !== found.length) {
    refuse(BAD);
  }
  return found;
}

function isSame(one: ExtensionRecord, other: ExtensionRecord | undefined): boolean {
  return other !== undefined && one.name === other.name && equalBytes(one.hash, other.hash) &&
    one.memory === other.memory && one.table === other.table;
}

/** A VM keeps what it has loaded: refuses a list that lacks something of an earlier one. */
export function checkGrown(
  before: readonly ExtensionRecord[],
  after: readonly ExtensionRecord[],
): void {
  before.forEach((record, i) => {
    if (isSame(record, after[i])) return;
    throw new ExtensionError(
      `the snapshot lacks the extension '${record.name}' of its parent; use another copy of it`,
      undefined,
      record.name,
    );
  });
}
