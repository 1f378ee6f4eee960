// SPDX-License-Identifier: MIT
//
// sha256.ts - SHA-256, at once: crypto.subtle would have to be waited for. The
// id of an engine, and of a snapshot.
//
// Where the host offers it at once as well, much data is given to it, since the
// helper takes six times as long.

import { PIECE, sharedHelper } from "./helper.js";

export const ID_SIZE = 32;

const HOST_FROM = 1 << 16;

interface HostCrypto {
  createHash(name: string): {
    update(bytes: Uint8Array): void;
    digest(): Uint8Array;
  };
}

/** What Node, Deno and Bun have; undefined elsewhere. */
function hostCrypto(): HostCrypto | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.("crypto") as HostCrypto | undefined;
}

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const host = bytes.length >= HOST_FROM ? hostCrypto() : undefined;
  return host ? hashByHost(host, bytes) : hashByHelper(bytes);
}

function hashByHost(
  host: HostCrypto,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const hash = host.createHash("sha256");
  hash.update(bytes);
  return new Uint8Array(hash.digest());
}

function hashByHelper(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { run, u8, base } = sharedHelper();
  run.sha256_start();
  for (let at = 0; at < bytes.length; at += PIECE) {
    const part = bytes.subarray(at, at + PIECE);
    u8.set(part, base);
    run.sha256_add(base, part.length);
  }
  run.sha256_stop(base);
  return u8.slice(base, base + ID_SIZE);
}

/**
 * The same where it may be waited for, which is of use where the host has no other way. Outside of
 * secure contexts a browser has no crypto.subtle.
 */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const isFast = bytes.length < HOST_FROM || hostCrypto() !== undefined;
  // Where it is not needed it is not asked for: Node loads much for it.
  const subtle = isFast ? undefined : globalThis.crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sha256(bytes);
}
