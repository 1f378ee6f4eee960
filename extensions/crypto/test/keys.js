// SPDX-License-Identifier: MIT
//
// keys.js - what a CryptoKey says of itself, and what it never gives away.

(async () => {
  const { subtle } = crypto;
  const bytes = (size) => new Uint8Array(size).fill(7);

  // ---- Not extractable ---------------------------------------------------------

  const hidden = await subtle.importKey("raw", bytes(16), "AES-GCM", false, ["encrypt", "decrypt"]);
  const by = await subtle.generateKey({ name: "AES-KW", length: 128 }, true, ["wrapKey"]);
  for (const format of ["raw", "jwk", "pkcs8", "spki"]) {
    await rejects(subtle.exportKey(format, hidden), "InvalidAccessError", format);
    await rejects(subtle.wrapKey(format, hidden, by, "AES-KW"), "InvalidAccessError", format);
  }
  same(Reflect.ownKeys(hidden).length, 0);
  same(JSON.stringify(hidden), "{}");
  same(hidden.extractable, false);
  const pairs = [
    [{ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"]],
    ["Ed25519", ["sign", "verify"]],
    ["X25519", ["deriveBits"]],
  ];
  for (const [algorithm, usages] of pairs) {
    const { privateKey, publicKey } = await subtle.generateKey(algorithm, false, usages);
    for (const format of ["jwk", "pkcs8"]) {
      await rejects(subtle.exportKey(format, privateKey), "InvalidAccessError");
    }
    same(publicKey.extractable, true);
    same([privateKey.type, publicKey.type], ["private", "public"]);
    const jwk = await subtle.exportKey("jwk", publicKey);
    check(!("d" in jwk), "no secret in a public key");
  }
  for (const name of ["HKDF", "PBKDF2"]) {
    await rejects(subtle.importKey("raw", bytes(5), name, true, ["deriveBits"]), "SyntaxError");
    const key = await subtle.importKey("raw", bytes(5), name, false, ["deriveBits"]);
    await rejects(subtle.exportKey("raw", key), "NotSupportedError");
    same(key.algorithm, { name });
  }

  // ---- What it says ------------------------------------------------------------

  same(hidden.algorithm, { name: "AES-GCM", length: 128 });
  check(
    hidden.algorithm === hidden.algorithm && hidden.usages === hidden.usages,
    "the same object",
  );
  hidden.algorithm.name = "AES-CBC";
  hidden.usages.push("sign");
  const iv = bytes(12);
  const secret = await subtle.encrypt({ name: "AES-GCM", iv }, hidden, bytes(3));
  await rejects(
    subtle.encrypt({ name: "AES-CBC", iv: bytes(16) }, hidden, bytes(3)),
    "InvalidAccessError",
  );
  same(new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv }, hidden, secret)), bytes(3));
  throws(() => {
    "use strict";
    hidden.extractable = true;
  }, "TypeError");

  const duplicate = await subtle.importKey(
    "raw",
    bytes(16),
    "AES-CBC",
    false,
    new Set(["unwrapKey", "decrypt", "encrypt"]),
  );
  same(duplicate.usages, ["encrypt", "decrypt", "unwrapKey"]);

  const hmac = await subtle.generateKey({ name: "HMAC", hash: "SHA-384" }, true, ["sign"]);
  same(hmac.algorithm, { name: "HMAC", length: 1024, hash: { name: "SHA-384" } });
  const odd = await subtle.importKey(
    "raw",
    new Uint8Array([255, 255]),
    { name: "HMAC", hash: "SHA-1", length: 11 },
    true,
    ["sign"],
  );
  same(odd.algorithm.length, 11);

  // ---- Usages ------------------------------------------------------------------

  const aes = (...usages) => subtle.importKey("raw", bytes(16), "AES-CBC", true, usages);
  await rejects(aes(), "SyntaxError");
  await rejects(aes("sign"), "SyntaxError");
  await rejects(aes("nothing"), "TypeError");
  const onlyEncrypt = await aes("encrypt");
  const how = { name: "AES-CBC", iv: bytes(16) };
  await rejects(subtle.decrypt(how, onlyEncrypt, bytes(16)), "InvalidAccessError");
  const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const ecdsa = { name: "ECDSA", hash: "SHA-256" };
  await rejects(subtle.sign(ecdsa, pair.publicKey, bytes(1)), "InvalidAccessError");
  await rejects(subtle.verify(ecdsa, pair.privateKey, bytes(64), bytes(1)), "InvalidAccessError");
  await rejects(
    subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]),
    "SyntaxError",
  );

  // ---- Points that are none ----------------------------------------------------

  const point = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
  for (
    const change of [
      (p) => (p[64] ^= 1),
      (p) => (p[0] = 5),
      (p) => p.fill(0),
      (p) => p.fill(255, 1),
    ]
  ) {
    const wrong = point.slice();
    change(wrong);
    const imported = subtle.importKey("raw", wrong, { name: "ECDSA", namedCurve: "P-256" }, true, [
      "verify",
    ]);
    await rejects(imported, "DataError");
  }
  const x = await subtle.generateKey("X25519", false, ["deriveBits"]);
  const small = await subtle.importKey("raw", new Uint8Array(32), "X25519", true, []);
  await rejects(
    subtle.deriveBits({ name: "X25519", public: small }, x.privateKey, 256),
    "OperationError",
  );
})();
