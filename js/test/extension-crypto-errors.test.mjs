// SPDX-License-Identifier: MIT
// hosts: node
//
// extension-crypto-errors.test.mjs - wrong requests to the extension crypto and
// to Node's crypto.subtle: both refuse the same ones, by errors of the same name.
//
// Each request of REQUESTS works. Each is asked again with one argument, or one
// member of an argument, that is something else.

import { assert } from "./support/test.mjs";
import { guestSide, hostSide } from "./support/crypto-sides.mjs";
import { test } from "./support/hold.mjs";

const bytes = (size) => ({ hex: "a5".repeat(size) });

const secret = (algorithm, size, ...usages) => ({
  key: "raw",
  data: bytes(size),
  algorithm,
  usages,
});
const base = (algorithm) => ({
  ...secret(algorithm, 20, "deriveBits", "deriveKey"),
  extractable: false,
});

const P256 = { name: "ECDSA", namedCurve: "P-256" };
const EC_PUBLIC = {
  hex: "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
};
const ED_PUBLIC = { hex: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" };
const ED_SECRET = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};
const gcm = { name: "AES-GCM", iv: bytes(12), additionalData: bytes(3), tagLength: 96 };
const ctr = { name: "AES-CTR", counter: bytes(16), length: 64 };
const cbc = { name: "AES-CBC", iv: bytes(16) };
const JWK = {
  kty: "oct",
  k: "paWlpaWlpaWlpaWlpaWlpQ",
  alg: "A128GCM",
  key_ops: ["encrypt"],
  ext: true,
};

const REQUESTS = [
  ["digest", "SHA-256", bytes(3)],
  ["digest", { name: "sha-1" }, bytes(3)],
  ["encrypt", gcm, secret("AES-GCM", 16, "encrypt"), bytes(5)],
  ["encrypt", ctr, secret("AES-CTR", 24, "encrypt"), bytes(40)],
  ["encrypt", cbc, secret("AES-CBC", 32, "encrypt"), bytes(40)],
  ["sign", "HMAC", secret({ name: "HMAC", hash: "SHA-1" }, 8, "sign"), bytes(9)],
  ["verify", "HMAC", secret({ name: "HMAC", hash: "SHA-1" }, 8, "verify"), bytes(20), bytes(9)],
  [
    "verify",
    { name: "ECDSA", hash: "SHA-256" },
    { key: "raw", data: EC_PUBLIC, algorithm: P256, usages: ["verify"] },
    bytes(64),
    bytes(9),
  ],
  [
    "verify",
    "Ed25519",
    { key: "raw", data: ED_PUBLIC, algorithm: "Ed25519", usages: ["verify"] },
    bytes(64),
    bytes(9),
  ],
  [
    "sign",
    "Ed25519",
    { key: "jwk", data: ED_SECRET, algorithm: "Ed25519", usages: ["sign"] },
    bytes(9),
  ],
  [
    "deriveBits",
    { name: "HKDF", hash: "SHA-256", salt: bytes(4), info: bytes(2) },
    base("HKDF"),
    64,
  ],
  [
    "deriveBits",
    { name: "PBKDF2", hash: "SHA-256", salt: bytes(4), iterations: 3 },
    base("PBKDF2"),
    64,
  ],
  [
    "deriveKey",
    { name: "PBKDF2", hash: "SHA-256", salt: bytes(4), iterations: 3 },
    base("PBKDF2"),
    { name: "AES-CBC", length: 128 },
    true,
    ["encrypt"],
  ],
  ["importKey", "raw", bytes(16), "AES-GCM", true, ["encrypt", "decrypt"]],
  ["importKey", "raw", bytes(16), { name: "HMAC", hash: "SHA-256", length: 127 }, true, ["sign"]],
  ["importKey", "raw", EC_PUBLIC, P256, true, ["verify"]],
  ["importKey", "raw", EC_PUBLIC, { name: "ECDH", namedCurve: "P-256" }, true, []],
  ["importKey", "raw", ED_PUBLIC, "Ed25519", true, ["verify"]],
  ["importKey", "raw", ED_PUBLIC, "X25519", true, []],
  ["importKey", "jwk", ED_SECRET, "Ed25519", false, ["sign"]],
  ["importKey", "jwk", JWK, "AES-GCM", true, ["encrypt"]],
  ["wrapKey", "raw", secret("AES-GCM", 16, "encrypt"), secret("AES-KW", 16, "wrapKey"), "AES-KW"],
  ["wrapKey", "jwk", secret("AES-GCM", 16, "encrypt"), secret("AES-GCM", 16, "wrapKey"), gcm],
  ["exportKey", "raw", secret("AES-GCM", 16, "encrypt")],
  ["generateKey", { name: "AES-GCM", length: 256 }, true, ["encrypt"]],
  ["generateKey", { name: "HMAC", hash: { name: "SHA-512" }, length: 9 }, true, ["verify"]],
  ["generateKey", P256, true, ["sign", "verify"]],
  ["generateKey", "X25519", false, ["deriveBits"]],
];

const JUNK = [
  null,
  0,
  1,
  -1,
  7.5,
  129,
  256,
  70000,
  2 ** 32,
  "",
  "raw",
  "jwk",
  "spki",
  "pkcs8",
  "AES-GCM",
  "HMAC",
  "ECDSA",
  "SHA-256",
  "SHA-3",
  "HKDF",
  "ECDH",
  "RSA-OAEP",
  "P-384",
  "P-999",
  true,
  false,
  {},
  [],
  ["sign"],
  ["sign", "sign"],
  ["deriveBits"],
  ["x"],
  { name: "AES-CBC" },
  { hash: "SHA-1" },
  bytes(0),
  bytes(1),
  bytes(7),
  bytes(16),
  bytes(32),
  bytes(33),
  bytes(65),
  secret("AES-GCM", 16, "decrypt"),
  secret("AES-KW", 32, "unwrapKey"),
  base("HKDF"),
];

/** The request with something else in one place, for each place. */
function* change(value) {
  if (typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) {
    if (name === "hex") continue;
    for (const junk of JUNK) {
      const changed = structuredClone(value);
      changed[name] = junk;
      yield changed;
    }
    for (const inside of change(value[name])) {
      const changed = structuredClone(value);
      changed[name] = inside;
      yield changed;
    }
    if (Array.isArray(value)) continue;
    const less = structuredClone(value);
    delete less[name];
    yield less;
  }
}

const named = ({ value, error }) => error ?? typeof value;

// Where they differ, and why.
const KNOWN = [
  // Node takes an algorithm without a name, as a hash, for one that it does not know.
  /: TypeError for NotSupportedError$/,
  // Node takes bytes for a JSON Web Key without members.
  /: TypeError for DataError$/,
  // OpenSSL wants more of an iv than the standard.
  /^(encrypt|wrapKey): object for OperationError$/,
  // The standard looks at the format of a key of HKDF or PBKDF2 before its usages,
  /^(importKey|sign): NotSupportedError for SyntaxError$/,
  // and at the usages of a new key before its length.
  /^generateKey: SyntaxError for OperationError$/,
];

// Older Nodes have older errors.
const isRecent = Number(process.versions.node.split(".")[0]) >= 24;

test("wrong requests are refused by the same errors", async () => {
  if (!isRecent) return;
  const host = hostSide();
  const guest = await guestSide();
  const differences = new Map();
  let count = 0;
  for (const request of REQUESTS) {
    for (const side of [host, guest]) await side.ask(...request);
    for (const changed of change(request)) {
      if (changed[0] !== request[0]) continue;
      const expected = named(await host.outcome(...changed));
      const found = named(await guest.outcome(...changed));
      count++;
      const kind = `${changed[0]}: ${found} for ${expected}`;
      if (expected === found || KNOWN.some((known) => known.test(kind))) continue;
      differences.set(kind, JSON.stringify(changed));
    }
  }
  assert.deepEqual(Object.fromEntries(differences), {});
  assert.equal(count > 10_000, true);
}, { seconds: 600 });
