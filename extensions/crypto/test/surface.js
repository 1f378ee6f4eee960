// SPDX-License-Identifier: MIT
//
// surface.js - the classes, their members, random values; what is no 'this'.

(async () => {
  const { subtle } = crypto;

  // ---- Classes -----------------------------------------------------------------

  for (const [object, Class] of [[crypto, Crypto], [subtle, SubtleCrypto]]) {
    check(object instanceof Class, `an instance of ${Class.name}`);
    same(String(object), `[object ${Class.name}]`);
    throws(() => new Class(), "TypeError");
    throws(() => Class(), "TypeError");
  }
  throws(() => new CryptoKey(), "TypeError");
  check(crypto.subtle === subtle, "always the same subtle");
  throws(() => {
    "use strict";
    crypto.subtle = 1;
  }, "TypeError");
  same(
    Object.keys(SubtleCrypto.prototype).sort().join(),
    "decrypt,deriveBits,deriveKey,digest,encrypt,exportKey,generateKey,importKey,sign," +
      "unwrapKey,verify,wrapKey",
  );
  same(Object.keys(Crypto.prototype).sort().join(), "getRandomValues,randomUUID,subtle");
  same(subtle.unwrapKey.length, 7);
  same(subtle.digest.name, "digest");

  // ---- What is no 'this' -------------------------------------------------------

  const strangers = [undefined, null, 1, "", {}, [], crypto, () => 1, new Proxy(subtle, {})];
  for (const self of strangers) {
    for (const name of Object.keys(SubtleCrypto.prototype)) {
      await rejects(subtle[name].call(self, 1, 2, 3, 4, 5, 6, 7), "TypeError", name);
    }
    const getter = (name) => Object.getOwnPropertyDescriptor(CryptoKey.prototype, name).get;
    for (const name of ["type", "extractable", "algorithm", "usages"]) {
      throws(() => getter(name).call(self), "TypeError", name);
    }
    if (self === crypto) continue;
    throws(() => crypto.getRandomValues.call(self, new Uint8Array(1)), "TypeError");
    throws(() => crypto.randomUUID.call(self), "TypeError");
  }
  for (const name of Object.keys(SubtleCrypto.prototype)) {
    await rejects(subtle[name](), "TypeError", `${name} without arguments`);
  }

  // ---- Random values -----------------------------------------------------------

  const arrays = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array];
  for (const Class of [...arrays, Uint32Array, BigInt64Array, BigUint64Array]) {
    const array = new Class(64);
    check(crypto.getRandomValues(array) === array, Class.name);
    check(array.some((value) => value != 0), `${Class.name} was filled`);
    throws(
      () => crypto.getRandomValues(new Class(65536 / array.BYTES_PER_ELEMENT + 1)),
      "QuotaExceededError",
    );
    crypto.getRandomValues(new Class(65536 / array.BYTES_PER_ELEMENT));
    crypto.getRandomValues(new Class(0));
  }
  for (
    const array of [new Float32Array(1), new Float64Array(1), new DataView(new ArrayBuffer(8))]
  ) {
    throws(() => crypto.getRandomValues(array), "TypeMismatchError");
  }
  for (const junk of [undefined, null, 1, "x", {}, [1], new Proxy(new Uint8Array(1), {})]) {
    throws(() => crypto.getRandomValues(junk), "TypeError");
  }
  throws(() => crypto.getRandomValues(), "TypeError");
  const part = new Uint8Array(100);
  crypto.getRandomValues(part.subarray(10, 90));
  check([...part.slice(0, 10), ...part.slice(90)].every((value) => value === 0), "only the part");

  // ---- Buffers that are resized ----------------------------------------------------

  const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
  const sha = async (data) => new Uint8Array(await subtle.digest("SHA-1", data)).join();
  const count = (from, size) => Uint8Array.from({ length: size }, (_, i) => from + i);
  const views = [
    buffer,
    new Uint8Array(buffer, 1),
    new DataView(buffer, 2),
    new Uint8Array(buffer, 1, 3), // does not follow its buffer
  ];
  for (const size of [4, 8, 3, 1, 0, 8]) {
    buffer.resize(size);
    new Uint8Array(buffer).forEach((_, i, bytes) => bytes[i] = i);
    const expected = [size, Math.max(size - 1, 0), Math.max(size - 2, 0), size < 4 ? 0 : 3];
    for (let i = 0; i < views.length; i++) {
      if (i === 2 && size < 2) {
        await rejects(subtle.digest("SHA-1", views[i]), "TypeError", "out of bounds");
        continue;
      }
      same(await sha(views[i]), await sha(count([0, 1, 2, 1][i], expected[i])));
    }
    same(crypto.getRandomValues(views[1]).length, expected[1]);
    check(size === 0 || new Uint8Array(buffer)[0] === 0, "only the part");
  }

  const ids = new Set();
  for (let i = 0; i < 200; i++) {
    const id = crypto.randomUUID();
    check(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), id);
    ids.add(id);
  }
  same(ids.size, 200);
})();
