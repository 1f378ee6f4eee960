// SPDX-License-Identifier: MIT
//
// operations.ts - the section of a snapshot that says what its VM waits for:
// the table in guest memory once more as CBOR, so that it can be read without
// an engine.
//
// The table lies in what a snapshot keeps; one that does not is damaged.
// Nothing in it is believed: addresses are checked, sizes capped.

import {
  CONTROL_OPERATION_COUNT,
  CONTROL_OPERATIONS,
  CONTROL_SIZE,
  HOST_START,
  KIND_LARGEST,
  OPERATION_BEGUN,
  OPERATION_DUE,
  OPERATION_ID,
  OPERATION_KIND,
  OPERATION_KIND_SIZE,
  OPERATION_REQUEST,
  OPERATION_REQUEST_SIZE,
  OPERATION_SIZE,
} from "../abi.js";
import { LimitError } from "../errors.js";
import type { Instance } from "../instance.js";
import { type Parts, readU32 } from "./bytes.js";
import {
  ARRAY,
  BYTES,
  MAP,
  TAG,
  TAG_CBOR,
  TEXT,
  UNSIGNED,
  writeHead,
  writeNumber,
  writeText,
} from "./cbor.js";
import { SECTION_LARGEST } from "./format.js";

const TABLE = "its table of operations";

/** Whether a snapshot keeps these bytes of guest memory. */
function isKept(
  instance: Instance,
  limit: number,
  address: number,
  size: number,
): boolean {
  const { control, stackSize } = instance.engine;
  const end = address + size;
  if (size === 0) return true;
  if (address < stackSize || end > limit) return false;
  return address >= control + CONTROL_SIZE || end <= control + HOST_START;
}

/** Adds the list to `to`, of a VM that keeps memory up to `limit`. */
export function writeOperations(
  instance: Instance,
  limit: number,
  to: Parts,
): void {
  const { u8, control } = instance;
  let count = readU32(u8, control + CONTROL_OPERATION_COUNT);
  const table = readU32(u8, control + CONTROL_OPERATIONS);
  if (!isKept(instance, limit, table, 4 * count)) count = 0;
  writeHead(to, ARRAY, count);
  for (let i = 0; i < count; i++) {
    writeOperation(instance, limit, readU32(u8, table + 4 * i), to);
    // A damaged table may list one large request many times.
    if (to.size > u8.length) instance.damaged(TABLE);
    if (to.size > SECTION_LARGEST) {
      throw new LimitError(
        `the requests of pending operations take more than ${SECTION_LARGEST} bytes`,
      );
    }
  }
}

function writeOperation(
  instance: Instance,
  limit: number,
  at: number,
  to: Parts,
): void {
  const { u8 } = instance;
  if (!isKept(instance, limit, at, OPERATION_SIZE)) instance.damaged(TABLE);
  const kind = readU32(u8, at + OPERATION_KIND);
  const kindSize = readU32(u8, at + OPERATION_KIND_SIZE);
  const request = readU32(u8, at + OPERATION_REQUEST);
  const requestSize = readU32(u8, at + OPERATION_REQUEST_SIZE);
  if (
    kindSize > KIND_LARGEST ||
    !isKept(instance, limit, kind, kindSize) ||
    !isKept(instance, limit, request, requestSize)
  ) {
    instance.damaged(TABLE);
  }
  const numbers = new DataView(u8.buffer, at, OPERATION_SIZE);
  writeHead(to, MAP, 5);
  writeText(to, "id");
  writeHead(to, UNSIGNED, numbers.getBigUint64(OPERATION_ID, true));
  writeText(to, "kind");
  const zero = u8.subarray(kind, kind + kindSize).indexOf(0);
  const shown = zero < 0 ? kindSize : zero;
  writeHead(to, TEXT, shown);
  to.add(u8, kind, kind + shown);
  writeText(to, "request");
  writeHead(to, TAG, TAG_CBOR);
  writeHead(to, BYTES, requestSize);
  to.add(u8, request, request + requestSize);
  writeText(to, "due");
  writeNumber(to, numbers.getFloat64(OPERATION_DUE, true));
  writeText(to, "begun");
  writeNumber(to, numbers.getFloat64(OPERATION_BEGUN, true));
}
