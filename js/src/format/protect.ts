// SPDX-License-Identifier: MIT
//
// protect.ts - snapshots under a caller's key: tampering is detected, and if
// that is asked for they are encrypted.
//
// AES-256-GCM with key and nonce derived by HKDF-SHA256 from the caller's key
// and a random salt, by the host's WebCrypto:
//
//      0  magic 89 54 4f 52 4b 0d 0a 1a
//      8  u32 version (1), u32 how (1 authenticated, 2 encrypted as well)
//     16  salt, 32 bytes
//     48  the snapshot, as it is or encrypted
//    end  tag, 16 bytes
//
//  (1) Each envelope has a key of its own, since its salt is random: no nonce
//      is ever used twice.
//  (2) Nothing that was decrypted is given out before the tag was found right.
//  (3) The tag also covers the header and the size of the context, so that no
//      part can be taken for another.

import { Protection } from "../abi.js";
import { FormatError, KeyError, MisuseError, NewerError, UnsupportedError } from "../errors.js";
import { allocate, equalBytes, readU32, writeU32, writeU64 } from "./bytes.js";
import { copyGiven, type GivenSnapshot } from "./given.js";

const MAGIC = Uint8Array.of(0x89, 0x54, 0x4f, 0x52, 0x4b, 0x0d, 0x0a, 0x1a);
const VERSION = 1;
const AT_VERSION = 8;
const AT_HOW = 12;
const AT_SALT = 16;
const SALT_SIZE = 32;
const HEADER_SIZE = 48;
const TAG_SIZE = 16;
const KEY_SIZE = 32;
const NONCE_SIZE = 12;
const PURPOSE = new TextEncoder().encode("torpor snapshot protection 1");

type Bytes = Uint8Array<ArrayBuffer>;

export interface ProtectOptions {
  /** 32 random bytes. */
  key: Uint8Array;
  /**
   * What the bytes belong to, bound to them though not stored: whoever opens
   * them must give the same.
   */
  context?: Uint8Array | string;
  /** Readable, but tampering is detected. */
  readable?: boolean;
}

/**
 * Whether the bytes are those of a protected snapshot.
 *
 * ```js
 * console.log(isProtected(vm.snapshot().bytes)); // false
 * ```
 */
export function isProtected(data: Uint8Array): boolean {
  return equalBytes(data.subarray(0, MAGIC.length), MAGIC);
}

function subtle(): SubtleCrypto {
  const found = globalThis.crypto?.subtle;
  if (!found) {
    throw new UnsupportedError(
      "this host has no crypto.subtle, which protection needs; serve the page over https",
    );
  }
  return found;
}

function takeKey(key: unknown): Bytes {
  if (!(key instanceof Uint8Array) || key.length !== KEY_SIZE) {
    throw new MisuseError(`the key of a snapshot has ${KEY_SIZE} bytes, as a Uint8Array`);
  }
  return new Uint8Array(key);
}

function takeContext(context: unknown): Bytes {
  if (context === undefined) return new Uint8Array();
  if (typeof context === "string") return new TextEncoder().encode(context);
  if (context instanceof Uint8Array) return new Uint8Array(context);
  throw new MisuseError("the context of a snapshot is text or a Uint8Array");
}

/** The cipher of one envelope. */
async function derive(
  key: Bytes,
  salt: Bytes,
): Promise<{ key: CryptoKey; iv: Bytes }> {
  const material = await subtle().importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const bits = await subtle().deriveBits(
    { name: "HKDF", hash: "SHA-256", salt, info: PURPOSE },
    material,
    8 * (KEY_SIZE + NONCE_SIZE),
  );
  const bytes = new Uint8Array(bits);
  const derived = await subtle().importKey(
    "raw",
    bytes.slice(0, KEY_SIZE),
    "AES-GCM",
    false,
    ["encrypt", "decrypt"],
  );
  const iv = bytes.slice(KEY_SIZE);
  bytes.fill(0);
  return { key: derived, iv };
}

/** What the tag covers besides what is encrypted. */
function boundBytes(header: Bytes, context: Bytes, readable: Bytes): Bytes {
  const bound = new Uint8Array(
    HEADER_SIZE + 8 + context.length + readable.length,
  );
  bound.set(header);
  writeU64(bound, HEADER_SIZE, context.length);
  bound.set(context, HEADER_SIZE + 8);
  bound.set(readable, HEADER_SIZE + 8 + context.length);
  return bound;
}

const NOTHING = new Uint8Array();

/**
 * Puts a snapshot into an envelope under `key`.
 *
 * ```js
 * const key = crypto.getRandomValues(new Uint8Array(32));
 * const sealed = await protectSnapshot(vm.snapshot(), { key, context: "run 7" });
 * const bytes = await unprotectSnapshot(sealed, { key, context: "run 7" });
 * ```
 */
export async function protectSnapshot(
  snapshot: GivenSnapshot,
  options: ProtectOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const data = copyGiven(snapshot, "protectSnapshot");
  const key = takeKey(options?.key);
  const context = takeContext(options.context);
  const how = options.readable ? Protection.AUTHENTICATE : Protection.ENCRYPT;
  const header = new Uint8Array(HEADER_SIZE);
  header.set(MAGIC);
  writeU32(header, AT_VERSION, VERSION);
  writeU32(header, AT_HOW, how);
  crypto.getRandomValues(header.subarray(AT_SALT));
  const cipher = await derive(key, header.slice(AT_SALT, AT_SALT + SALT_SIZE));
  const sealed = await subtle().encrypt(
    {
      name: "AES-GCM",
      iv: cipher.iv,
      additionalData: boundBytes(header, context, options.readable ? data : NOTHING),
    },
    cipher.key,
    options.readable ? NOTHING : data,
  );
  const envelope = allocate(HEADER_SIZE + data.length + TAG_SIZE);
  envelope.set(header);
  if (options.readable) envelope.set(data, HEADER_SIZE);
  envelope.set(new Uint8Array(sealed), envelope.length - sealed.byteLength);
  return envelope;
}

function checkHeader(data: Bytes): number {
  if (!isProtected(data)) {
    throw new FormatError("this is not a protected snapshot (bad magic)");
  }
  if (data.length < HEADER_SIZE + TAG_SIZE) {
    throw new FormatError(
      "the protected snapshot was cut off; use another copy of it",
    );
  }
  const version = readU32(data, AT_VERSION);
  const how = readU32(data, AT_HOW);
  if (
    version !== VERSION ||
    (how !== Protection.AUTHENTICATE && how !== Protection.ENCRYPT)
  ) {
    throw new NewerError(
      `the snapshot is protected in a way (version ${version}, kind ${how}) that this Torpor does not know; use a newer one`,
    );
  }
  return how;
}

/**
 * Takes a snapshot out of its envelope; KeyError: key, context or bytes are not those of then.
 *
 * ```js
 * const key = new Uint8Array(32).fill(7);
 * const sealed = await protectSnapshot(vm.snapshot(), { key });
 * const again = await QuickJS.restore(await unprotectSnapshot(sealed, { key }));
 * ```
 */
export async function unprotectSnapshot(
  envelope: Uint8Array,
  options: ProtectOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const data = copyGiven(envelope, "unprotectSnapshot");
  const key = takeKey(options?.key);
  const context = takeContext(options.context);
  const readable = checkHeader(data) === Protection.AUTHENTICATE;
  const header = data.slice(0, HEADER_SIZE);
  const end = data.length - TAG_SIZE;
  const inner = data.slice(HEADER_SIZE, end);
  const cipher = await derive(key, header.slice(AT_SALT, AT_SALT + SALT_SIZE));
  let opened: ArrayBuffer;
  try {
    opened = await subtle().decrypt(
      {
        name: "AES-GCM",
        iv: cipher.iv,
        additionalData: boundBytes(header, context, readable ? inner : NOTHING),
      },
      cipher.key,
      data.slice(readable ? end : HEADER_SIZE),
    );
  } catch (error) {
    throw new KeyError(
      "the snapshot does not open: wrong key, wrong context, or altered bytes",
      { cause: error },
    );
  }
  return readable ? inner : new Uint8Array(opened);
}
