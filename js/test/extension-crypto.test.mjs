// SPDX-License-Identifier: MIT
// hosts: node
//
// extension-crypto.test.mjs - the extension crypto beside Node's crypto.subtle:
// what one of them makes, the other one takes, for all algorithms and formats.

import { assert } from "./support/test.mjs";
import { guestSide, hostSide } from "./support/crypto-sides.mjs";
import { test } from "./support/hold.mjs";

const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];
const CURVES = ["P-256", "P-384", "P-521"];
const EXPONENT = { hex: "010001" };

// Node 20 leaves the bits behind a length that is no multiple of 8.
const isRecent = Number(process.versions.node.split(".")[0]) >= 22;

const hexOf = (bytes) => ({ hex: Buffer.from(bytes).toString("hex") });
const random = (size) => hexOf(crypto.getRandomValues(new Uint8Array(size)));
const flip = ({ hex }, at = 0) => {
  const bytes = Buffer.from(hex, "hex");
  bytes[at] ^= 1;
  return hexOf(bytes);
};

/** Runs `check(maker, taker)` with the two sides in both roles. */
async function bothWays(check) {
  const host = hostSide();
  const guest = await guestSide();
  await check(host, guest);
  await check(guest, host);
}

/** A key that was described, as an argument that imports it. */
const keyFrom = (key, format, algorithm, usages = key.usages) => ({
  key: format,
  data: key.formats[format],
  algorithm,
  usages,
});

/** Without what is not the same: errors (Node has NotSupportedError where the
 * standard has InvalidAccessError), and "alg", which is not always there. */
const without = (key) => {
  const formats = Object.entries(key.formats).map(([format, data]) => {
    if (typeof data === "string") return [format, "none"];
    return [format, data.kty ? { ...data, alg: undefined } : data];
  });
  return JSON.parse(JSON.stringify({ ...key, formats: Object.fromEntries(formats) }));
};

/** Imports each format on the other side, where it must look the same. */
async function compareKey(key, algorithm, taker) {
  for (const [format, data] of Object.entries(key.formats)) {
    if (typeof data === "string") continue;
    const same = await taker.ask("importKey", format, data, algorithm, true, key.usages);
    assert.deepEqual(without(same), without(key), `${JSON.stringify(algorithm)} as ${format}`);
  }
}

// ---- Secret keys ---------------------------------------------------------------

test("digests are the same", async () => {
  const host = hostSide();
  const guest = await guestSide();
  for (const hash of HASHES) {
    for (const size of [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 1000, 65536]) {
      const data = random(size);
      assert.deepEqual(await guest.ask("digest", hash, data), await host.ask("digest", hash, data));
    }
  }
});

const AES = {
  "AES-CBC": () => ({ iv: random(16) }),
  "AES-CTR": () => ({
    counter: hexOf(Buffer.alloc(16, 255)),
    length: 1 + Math.floor(Math.random() * 64) + 63,
  }),
  "AES-GCM": () => ({
    iv: random(12 + Math.floor(Math.random() * 40)),
    additionalData: random(21),
  }),
};

test("AES goes both ways", () =>
  bothWays(async (maker, taker) => {
    for (const [name, parameters] of Object.entries(AES)) {
      for (const length of [128, 192, 256]) {
        const usages = ["encrypt", "decrypt"];
        const key = await maker.ask("generateKey", { name, length }, true, usages);
        await compareKey(key, name, taker);
        for (const size of [0, 1, 15, 16, 17, 100, 5000]) {
          const how = { name, ...parameters() };
          const data = random(size);
          const made = await maker.ask("encrypt", how, keyFrom(key, "raw", name), data);
          const back = await taker.ask("decrypt", how, keyFrom(key, "jwk", name), made);
          assert.deepEqual(back, data, `${name} ${length} ${size}`);
        }
      }
    }
  }));

test("AES-GCM has tags of all sizes, and refuses what was changed", () =>
  bothWays(async (maker, taker) => {
    const key = keyFrom({ formats: { raw: random(32) } }, "raw", "AES-GCM", ["encrypt", "decrypt"]);
    for (const tagLength of [32, 64, 96, 104, 112, 120, 128]) {
      const how = { name: "AES-GCM", iv: random(12), tagLength };
      const made = await maker.ask("encrypt", how, key, random(30));
      await taker.ask("decrypt", how, key, made);
      for (const at of [0, 29, 30, 30 + tagLength / 8 - 1]) {
        const { error } = await taker.outcome("decrypt", how, key, flip(made, at));
        assert.equal(error, "OperationError");
      }
    }
  }));

test("HMAC goes both ways", () =>
  bothWays(async (maker, taker) => {
    for (const hash of HASHES) {
      for (const length of [undefined, 8, 256, 2048]) {
        const algorithm = { name: "HMAC", hash, length };
        const key = await maker.ask("generateKey", algorithm, true, ["sign", "verify"]);
        await compareKey(key, { name: "HMAC", hash }, taker);
        const data = random(77);
        const own = keyFrom(key, "jwk", { name: "HMAC", hash });
        const made = await maker.ask("sign", "HMAC", own, data);
        assert.equal(await taker.ask("verify", "HMAC", own, made, data), true);
        assert.equal(await taker.ask("verify", "HMAC", own, flip(made), data), false);
        assert.equal(
          await taker.ask("verify", "HMAC", own, { hex: made.hex.slice(2) }, data),
          false,
        );
      }
    }
  }));

test("PBKDF2 and HKDF derive the same", async () => {
  const host = hostSide();
  const guest = await guestSide();
  const seen = (value) => value.formats ? without(value) : value;
  const both = async (...request) =>
    assert.deepEqual(seen(await guest.ask(...request)), seen(await host.ask(...request)));
  for (const hash of HASHES) {
    for (const size of [0, 1, 63, 64, 65, 129, 300]) {
      const key = (algorithm) => ({
        key: "raw",
        data: { hex: "ab".repeat(size) },
        algorithm,
        usages: ["deriveBits", "deriveKey"],
        extractable: false,
      });
      const salt = random(size);
      for (const length of [8, 256, 1000, 4096].filter((length) => length % 8 === 0)) {
        await both(
          "deriveBits",
          { name: "HKDF", hash, salt, info: random(0) },
          key("HKDF"),
          length,
        );
        const how = { name: "PBKDF2", hash, salt, iterations: 1 + size };
        await both("deriveBits", how, key("PBKDF2"), length);
        const to = { name: "HMAC", hash: "SHA-256", length: 160 };
        await both("deriveKey", how, key("PBKDF2"), to, true, ["sign"]);
        await both("deriveKey", how, key("PBKDF2"), { name: "AES-GCM", length: 192 }, true, [
          "wrapKey",
        ]);
      }
    }
  }
});

// ---- Pairs ---------------------------------------------------------------------

/** Makes a pair, compares it in all formats, signs and verifies. */
async function checkSigning(maker, taker, made, imported, used) {
  const pair = await maker.ask("generateKey", made, true, ["sign", "verify"]);
  await compareKey(pair.publicKey, imported, taker);
  await compareKey(pair.privateKey, imported, taker);
  const data = random(200);
  const signature = await maker.ask(
    "sign",
    used,
    keyFrom(pair.privateKey, "pkcs8", imported),
    data,
  );
  for (const format of ["spki", "jwk"]) {
    const key = keyFrom(pair.publicKey, format, imported);
    assert.equal(await taker.ask("verify", used, key, signature, data), true, JSON.stringify(used));
    for (
      const wrong of [flip(signature), flip(signature, 40), { hex: "" }, {
        hex: signature.hex + "00",
      }]
    ) {
      assert.equal(await taker.ask("verify", used, key, wrong, data), false);
    }
    assert.equal(await taker.ask("verify", used, key, signature, flip(data)), false);
  }
}

test("ECDSA and Ed25519 go both ways", () =>
  bothWays(async (maker, taker) => {
    for (const namedCurve of CURVES) {
      const algorithm = { name: "ECDSA", namedCurve };
      for (const hash of HASHES) {
        await checkSigning(maker, taker, algorithm, algorithm, { name: "ECDSA", hash });
      }
    }
    for (let i = 0; i < 5; i++) await checkSigning(maker, taker, "Ed25519", "Ed25519", "Ed25519");
  }), { seconds: 300 });

test("ECDH and X25519 share the same bits", () =>
  bothWays(async (maker, taker) => {
    const algorithms = [...CURVES.map((namedCurve) => ({ name: "ECDH", namedCurve })), {
      name: "X25519",
    }];
    for (const algorithm of algorithms) {
      const make = (side) => side.ask("generateKey", algorithm, true, ["deriveBits", "deriveKey"]);
      const [one, two] = [await make(maker), await make(taker)];
      for (const half of [one.publicKey, one.privateKey]) await compareKey(half, algorithm, taker);
      const from = (own, other) => [
        { name: algorithm.name, public: keyFrom(other.publicKey, "raw", algorithm) },
        keyFrom(own.privateKey, "jwk", algorithm),
      ];
      for (const length of [null, undefined, 0, 8, ...(isRecent ? [13] : []), 256]) {
        const bits = await maker.ask("deriveBits", ...from(one, two), length);
        assert.deepEqual(await taker.ask("deriveBits", ...from(two, one), length), bits);
      }
      const to = { name: "AES-CBC", length: 256 };
      assert.deepEqual(
        without(await maker.ask("deriveKey", ...from(one, two), to, true, ["encrypt"])),
        without(await taker.ask("deriveKey", ...from(two, one), to, true, ["encrypt"])),
      );
    }
  }), { seconds: 300 });

const rsa = (name, hash, modulusLength = 2048) => ({
  name,
  hash,
  modulusLength,
  publicExponent: EXPONENT,
});

test("RSA signatures go both ways", () =>
  bothWays(async (maker, taker) => {
    for (const hash of HASHES) {
      for (const name of ["RSASSA-PKCS1-v1_5", "RSA-PSS"]) {
        const length = hash === "SHA-256" ? 2048 : 1024;
        const used = name === "RSA-PSS" ? { name, saltLength: hash === "SHA-1" ? 0 : 32 } : name;
        await checkSigning(maker, taker, rsa(name, hash, length), { name, hash }, used);
      }
    }
  }), { seconds: 300 });

test("RSA-OAEP goes both ways", () =>
  bothWays(async (maker, taker) => {
    for (const hash of HASHES) {
      const algorithm = { name: "RSA-OAEP", hash };
      const pair = await maker.ask("generateKey", rsa("RSA-OAEP", hash, 2048), true, [
        "encrypt",
        "decrypt",
        "wrapKey",
        "unwrapKey",
      ]);
      await compareKey(pair.publicKey, algorithm, taker);
      await compareKey(pair.privateKey, algorithm, taker);
      for (const label of [undefined, { hex: "" }, { hex: "616263" }]) {
        const data = random(50);
        const how = { name: "RSA-OAEP", label };
        const made = await taker.ask(
          "encrypt",
          how,
          keyFrom(pair.publicKey, "spki", algorithm),
          data,
        );
        const own = keyFrom(pair.privateKey, "jwk", algorithm);
        assert.deepEqual(await maker.ask("decrypt", how, own, made), data);
        const { error } = await maker.outcome(
          "decrypt",
          { ...how, label: { hex: "00" } },
          own,
          made,
        );
        assert.equal(error, "OperationError");
      }
    }
  }), { seconds: 300 });

// ---- Wrapping ------------------------------------------------------------------

test("wrapped keys go both ways", () =>
  bothWays(async (maker, taker) => {
    const secret = {
      key: "raw",
      data: random(32),
      algorithm: { name: "HMAC", hash: "SHA-512" },
      usages: ["sign"],
    };
    const pair = await maker.ask("generateKey", { name: "ECDSA", namedCurve: "P-384" }, true, [
      "sign",
      "verify",
    ]);
    const signing = keyFrom(pair.privateKey, "jwk", { name: "ECDSA", namedCurve: "P-384" });
    for (const name of ["AES-KW", "AES-GCM", "AES-CBC", "AES-CTR"]) {
      const how = { name, ...AES[name]?.() };
      const by = {
        key: "raw",
        data: random(24),
        algorithm: name,
        usages: ["wrapKey", "unwrapKey"],
      };
      for (
        const [format, key] of [["raw", secret], ["jwk", secret], ["pkcs8", signing], [
          "jwk",
          signing,
        ]]
      ) {
        if (name === "AES-KW" && format !== "raw") continue; // its size must fit
        const made = await maker.ask("wrapKey", format, key, by, how);
        const opened = await taker.ask(
          "unwrapKey",
          format,
          made,
          by,
          how,
          key.algorithm,
          true,
          key.usages,
        );
        const plain = await taker.ask(
          "importKey",
          key.key,
          key.data,
          key.algorithm,
          true,
          key.usages,
        );
        assert.deepEqual(opened, plain, `${name} ${format}`);
        const { error } = await taker.outcome(
          "unwrapKey",
          format,
          flip(made),
          by,
          how,
          key.algorithm,
          true,
          key.usages,
        );
        if (name === "AES-KW" || name === "AES-GCM") assert.equal(error, "OperationError");
      }
    }
  }));
