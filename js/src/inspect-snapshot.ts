// SPDX-License-Identifier: MIT
//
// inspect-snapshot.ts - what the bytes of a snapshot say of themselves, without
// an engine: whose they are, their sizes, what the VM waits for, and where.
//
// Memory is not looked at, and is not unpacked.

import { MEMORY_LARGEST } from "./abi.js";
import { type ExtensionInfo, extensionInfo } from "./extension-list.js";
import { readCbor } from "./data/cbor-read.js";
import { ARRAY, MAP } from "./format/cbor.js";
import { type Container, type Content, isPacked, readContainer } from "./format/container.js";
import {
  METHOD_STORED,
  SECTION_EXTENSIONS,
  SECTION_MEMORY,
  SECTION_OPERATIONS,
  SECTION_RUN,
  SECTION_WAITING,
  WASM_PAGE,
} from "./format/format.js";
import { readExtensions } from "./format/extensions.js";
import { copyGiven, type GivenSnapshot } from "./format/given.js";
import { toHex } from "./format/hex.js";
import { checkList, readOperations } from "./format/lists.js";
import { loadedZstd, loadZstd } from "./format/pack.js";
import { sha256 } from "./format/sha256.js";

const NAMES = ["", "globals", "extensions", "operations", "waiting", "memory", "run"];

/** A part of a snapshot. */
export interface SnapshotSection {
  type: number;
  /** "unknown" where this version does not know it. */
  name: string;
  /** Bytes, unpacked and as they are kept. */
  size: number;
  stored: number;
  packed: boolean;
}

/** An operation that a sleeping VM waits for. */
export interface SleepingOperation {
  id: number;
  /** Such as "timer". */
  kind: string;
  request: unknown;
  /** Wall-clock milliseconds since 1970; 0: none. */
  due: number;
  begun: number;
}

/** Where a function goes on once what it awaits is settled. */
export interface WaitingPlace {
  function: string;
  file: string;
  line: number;
  column: number;
  /** "async", "generator", "async generator" or "module". */
  kind: string;
  /** The id of the pending operation that it waits for, where that is known. */
  operation?: number;
}

/** What a snapshot says of itself. */
export interface SnapshotInfo {
  /** The snapshot's id: the SHA-256 of its bytes, as hex. */
  id: string;
  /** The engine's id: the SHA-256 of its file, as hex. */
  engine: string;
  /** The id of the snapshot that it is a difference from. */
  parent: string | undefined;
  /** Of the format. */
  version: number;
  /** Bytes of the snapshot. */
  size: number;
  /** Bytes of linear memory when awake. */
  memory: number;
  /** Whether a section is compressed. */
  packed: boolean;
  sections: SnapshotSection[];
  /** What the VM has loaded, in its order: waking needs the same. */
  extensions: ExtensionInfo[];
  operations: SleepingOperation[];
  /** undefined: the snapshot was saved without. */
  waiting: WaitingPlace[] | undefined;
  /** What an exported durable run is besides its VM: its section, as CBOR. */
  run: Uint8Array | undefined;
}

function describeSection({ type, method, rawSize, storedSize }: Content): SnapshotSection {
  return {
    type,
    name: NAMES[type] ?? "unknown",
    size: rawSize,
    stored: storedSize,
    packed: method !== METHOD_STORED,
  };
}

function listExtensions(container: Container): ExtensionInfo[] {
  const content = container.sections[SECTION_EXTENSIONS]?.data;
  return content ? readExtensions(content).map(extensionInfo) : [];
}

function listOperations(container: Container): SleepingOperation[] {
  return readOperations(container.sections[SECTION_OPERATIONS]!.data!).map((operation) => ({
    ...operation,
    request: readCbor(operation.request),
  }));
}

function listWaiting(container: Container): WaitingPlace[] | undefined {
  const content = container.sections[SECTION_WAITING]?.data;
  if (!content) return undefined;
  checkList(content, ARRAY);
  return readCbor(content) as WaitingPlace[];
}

function takeRun(container: Container): Uint8Array | undefined {
  const content = container.sections[SECTION_RUN]?.data;
  if (content) checkList(content, MAP);
  return content?.slice();
}

/**
 * What a snapshot is made of and what its VM waits for, without waking it: no
 * engine is needed, and no code of the program runs.
 *
 * ```js
 * const info = await inspectSnapshot(vm.snapshot());
 * for (const { kind, request } of info.operations) console.log(kind, request);
 * ```
 */
export async function inspectSnapshot(snapshot: GivenSnapshot): Promise<SnapshotInfo> {
  const bytes = copyGiven(snapshot, "inspectSnapshot");
  if (isPacked(bytes)) await loadZstd();
  const container = readContainer(bytes, {
    memoryMax: MEMORY_LARGEST,
    zstd: loadedZstd(),
    wants: (type) => type !== SECTION_MEMORY,
  });
  const known = container.sections.filter((section) => section !== undefined);
  const sections = [...known, ...container.others].map(describeSection);
  return {
    id: toHex(sha256(bytes)),
    engine: toHex(container.engine),
    parent: container.parent && toHex(container.parent),
    version: container.version,
    size: bytes.length,
    memory: container.pages * WASM_PAGE,
    packed: sections.some((section) => section.packed),
    sections,
    extensions: listExtensions(container),
    operations: listOperations(container),
    waiting: listWaiting(container),
    run: takeRun(container),
  };
}
