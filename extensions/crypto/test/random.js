// SPDX-License-Identifier: MIT
//
// random.js - all methods with arguments by chance: each promise settles, a
// rejection is one of the errors that the standard has, and the VM goes on.

(async () => {
  const { subtle } = crypto;
  let seed = 20240229;
  const below = (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 4294967296 * n);
  };
  const pick = (list) => list[below(list.length)];
  const bytes = () =>
    crypto.getRandomValues(new Uint8Array(pick([0, 1, 7, 8, 12, 16, 24, 32, 40, 64, 65, 100])));

  const NAMES = ["SHA-1", "SHA-256", "SHA-512", "HMAC", "AES-CBC", "AES-CTR", "AES-GCM", "AES-KW"];
  NAMES.push("PBKDF2", "HKDF", "ECDSA", "ECDH", "Ed25519", "X25519", "RSA-PSS", "RSA-OAEP", "no");
  const USAGES = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey"];
  USAGES.push("unwrapKey");
  const FORMATS = ["raw", "raw", "pkcs8", "spki", "jwk"];
  const keys = [];
  const exported = [];

  const junk = () =>
    pick([undefined, null, 0, -1, 1.5, NaN, 2 ** 40, "", "raw", {}, [], bytes(), 7n, true]);
  const member = (make) => below(12) === 0 ? junk() : make();
  let used; // the key that the next call is about
  const algorithm = () => {
    const made = { name: below(4) === 0 ? pick(NAMES) : used.algorithm.name };
    const add = (name, make) => {
      if (below(15) !== 0) made[name] = member(make);
    };
    add("hash", () => pick(["SHA-1", "SHA-256", "SHA-384", "SHA-512", { name: "sha-256" }]));
    add("iv", () => new Uint8Array(pick([12, 16])));
    add("counter", () => new Uint8Array(16).fill(255));
    add("length", () => pick([128, 256, 64, 8, 0]));
    add("namedCurve", () => pick(["P-256", "P-384", "P-521"]));
    add("salt", bytes);
    add("info", bytes);
    add("iterations", () => 1 + below(20));
    add("saltLength", () => below(40));
    add("public", () => pick(keys));
    if (below(4) === 0) add("additionalData", bytes);
    if (below(4) === 0) add("tagLength", () => pick([32, 96, 128]));
    if (below(4) === 0) add("label", bytes);
    add("modulusLength", () => below(30) === 0 ? 1024 : 8);
    add("publicExponent", () => new Uint8Array([1, 0, 1]));
    return below(8) === 0 ? made.name : made;
  };
  const usages = () => USAGES.filter(() => below(6) === 0);
  const someKey = () => below(8) === 0 ? pick(keys) : used;
  const someData = () => below(3) === 0 && exported.length > 0 ? pick(exported) : bytes();
  const target = () =>
    pick([{ name: "AES-GCM", length: 128 }, { name: "HMAC", hash: "SHA-1" }, junk()]);
  const plan = {
    digest: [algorithm, someData],
    encrypt: [algorithm, someKey, someData],
    decrypt: [algorithm, someKey, someData],
    sign: [algorithm, someKey, someData],
    verify: [algorithm, someKey, someData, someData],
    generateKey: [algorithm, () => below(4) !== 0, usages],
    importKey: [() => pick(FORMATS), someData, algorithm, () => true, usages],
    exportKey: [() => pick(FORMATS), someKey],
    deriveBits: [algorithm, someKey, () => pick([8, 64, 256, 12, null])],
    deriveKey: [algorithm, someKey, target, () => true, usages],
    wrapKey: [() => pick(FORMATS), someKey, someKey, algorithm],
    unwrapKey: [() => pick(FORMATS), someData, someKey, algorithm, algorithm, () => true, usages],
  };

  const keep = (value) => {
    if (value instanceof CryptoKey) keys[keys.length < 60 ? keys.length : below(60)] = value;
    else if (value?.privateKey) [value.privateKey, value.publicKey].forEach(keep);
    else if (typeof value === "object") {
      exported[exported.length < 60 ? exported.length : below(60)] = value;
    }
  };
  // What works, so that there is something to go on with: all algorithms.
  for (const name of NAMES) {
    const how = { name, hash: "SHA-256", length: 128, namedCurve: "P-256", modulusLength: 1024 };
    how.publicExponent = new Uint8Array([1, 0, 1]);
    for (const usage of USAGES) {
      await subtle.generateKey(how, true, [usage]).then(keep, () => 0);
      await subtle.importKey("raw", new Uint8Array(16), how, false, [usage]).then(keep, () => 0);
      if (name.startsWith("RSA") && keys.some((key) => key.algorithm.name === name)) break;
    }
  }
  for (const key of keys.slice()) {
    for (const format of FORMATS) await subtle.exportKey(format, key).then(keep, () => 0);
  }

  const ERRORS = ["TypeError", "NotSupportedError", "SyntaxError", "DataError", "OperationError"];
  ERRORS.push("InvalidAccessError", "RangeError");
  const done = {};
  for (let i = 0; i < 6000; i++) {
    const method = pick(Object.keys(plan));
    const fit = keys.filter((key) => key.usages.includes(method));
    used = pick(fit.length > 0 ? fit : keys);
    const words = plan[method].map((make) => below(40) === 0 ? junk() : make());
    await subtle[method](...words).then(
      (value) => {
        done[method] = (done[method] ?? 0) + 1;
        keep(value);
      },
      (error) => check(ERRORS.includes(error.name), `${method}: ${error}`),
    );
  }
  for (const method of Object.keys(plan)) {
    check(done[method] > 0, `${method} never worked`);
  }
  same((await subtle.digest("SHA-256", new Uint8Array(3))).byteLength, 32);
})();
