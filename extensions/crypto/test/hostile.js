// SPDX-License-Identifier: MIT
//
// hostile.js - arguments that fight back: buffers that vanish, getters that
// throw or change what was read, prototypes that were replaced.

(async () => {
  const { subtle } = crypto;
  const bytes = (size) => new Uint8Array(size).fill(7);
  const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const digest = async (data) => new Uint8Array(await subtle.digest("SHA-256", data)).toHex();

  // ---- Bytes -------------------------------------------------------------------

  const detached = new Uint8Array(16);
  const view = new DataView(detached.buffer, 4);
  const buffer = detached.buffer;
  buffer.transfer();
  for (const gone of [detached, view, buffer]) {
    same(await digest(gone), EMPTY);
    await rejects(subtle.importKey("raw", gone, "AES-GCM", true, ["encrypt"]), "DataError");
  }
  crypto.getRandomValues(detached);

  const whole = Uint8Array.from({ length: 64 }, (_, i) => i);
  const same8 = await digest(whole.slice(8, 16));
  same(await digest(new Uint8Array(whole.buffer, 8, 8)), same8);
  same(await digest(new DataView(whole.buffer, 8, 8)), same8);
  same(await digest(new Uint16Array(whole.buffer, 8, 4)), same8);
  same(await digest(whole.buffer.slice(8, 16)), same8);

  const growing = new ArrayBuffer(8, { maxByteLength: 64 });
  const tracking = new Uint8Array(growing);
  const cut = new DataView(growing, 4);
  growing.resize(2);
  await rejects(digest(cut), "TypeError");
  same(await digest(tracking), await digest(new Uint8Array(2)));

  for (const junk of [undefined, null, 0, "text", {}, [1, 2], () => 1, Symbol("x"), 1n]) {
    await rejects(subtle.digest("SHA-256", junk), "TypeError");
  }
  if (typeof SharedArrayBuffer === "function") {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    await rejects(subtle.digest("SHA-256", shared), "TypeError");
    throws(() => crypto.getRandomValues(shared), "TypeError");
  }

  // ---- Getters -----------------------------------------------------------------

  const mine = new Error("mine");
  const throwing = (name, ...members) => {
    const made = { name, hash: "SHA-256", iv: bytes(12), length: 128, namedCurve: "P-256" };
    for (const member of members) {
      Object.defineProperty(made, member, {
        get() {
          throw mine;
        },
      });
    }
    return made;
  };
  const isMine = (promise) =>
    promise.then(
      () => check(false, "no rejection"),
      (error) => check(error === mine, `${error}`),
    );
  const key = await subtle.importKey("raw", bytes(16), "AES-GCM", true, ["encrypt", "decrypt"]);
  await isMine(subtle.digest(throwing("SHA-1", "name"), bytes(1)));
  await isMine(subtle.encrypt(throwing("AES-GCM", "iv"), key, bytes(1)));
  await isMine(subtle.encrypt(throwing("AES-GCM", "additionalData"), key, bytes(1)));
  await isMine(subtle.encrypt(throwing("AES-GCM", "tagLength"), key, bytes(1)));
  await isMine(subtle.generateKey(throwing("AES-GCM", "length"), true, ["encrypt"]));
  await isMine(subtle.generateKey(throwing("HMAC", "hash"), true, ["sign"]));
  await isMine(subtle.generateKey(throwing("ECDSA", "namedCurve"), true, ["sign"]));
  await isMine(subtle.importKey("jwk", throwing("x", "kty"), "AES-GCM", true, ["encrypt"]));
  const turning = {
    toString: () => {
      throw mine;
    },
  };
  await rejects(subtle.digest(turning, bytes(1)), "TypeError"); // an object has a name
  await isMine(subtle.importKey(turning, bytes(1), "AES-GCM", true, ["encrypt"]));
  await isMine(subtle.importKey("raw", bytes(16), "AES-GCM", true, [turning]));
  const endless = {
    [Symbol.iterator]: () => ({
      next: () => {
        throw mine;
      },
    }),
  };
  await isMine(subtle.importKey("raw", bytes(16), "AES-GCM", true, endless));
  for (
    const iterable of [
      { [Symbol.iterator]: () => 1 },
      { [Symbol.iterator]: () => ({ next: () => 1 }) },
      { [Symbol.iterator]: () => ({}) },
      { [Symbol.iterator]: 1 },
      {},
      5,
      "encrypt",
    ]
  ) {
    await rejects(subtle.importKey("raw", bytes(16), "AES-GCM", true, iterable), "TypeError");
  }

  // The bytes are taken when all getters have run: what these leave is used.
  const data = bytes(64);
  const vanishing = {
    name: "AES-GCM",
    get iv() {
      data.buffer.transfer();
      return bytes(12);
    },
  };
  same((await subtle.encrypt(vanishing, key, data)).byteLength, 16);
  const moved = bytes(12);
  const self = {
    name: "AES-GCM",
    get additionalData() {
      moved.buffer.transfer();
    },
    iv: moved,
  };
  await rejects(subtle.encrypt(self, key, bytes(4)), "OperationError");

  // ---- Replaced prototypes -----------------------------------------------------

  const kept = Object.getOwnPropertyDescriptors(DataView.prototype);
  const inside = new DataView(whole.buffer, 8, 8);
  for (const name of ["buffer", "byteOffset", "byteLength"]) {
    Object.defineProperty(DataView.prototype, name, { get: () => 1e9, configurable: true });
    Object.defineProperty(inside, name, { value: -5 });
  }
  same(await digest(inside), same8);
  Object.defineProperties(DataView.prototype, kept);

  // What was replaced before the extension came is called; whatever it gives.
  const replaced = (name, get) =>
    Object.defineProperty(DataView.prototype, name, { get, configurable: true });
  const odd = [undefined, -1, 2 ** 40, "x", {}, NaN, new ArrayBuffer(3), new Uint8Array(4)];
  for (const name of ["buffer", "byteOffset", "byteLength"]) {
    for (const value of odd) {
      replaced(name, () => value);
      await digest(new DataView(new ArrayBuffer(4))).catch(() => 0);
    }
    Object.defineProperties(DataView.prototype, kept);
  }
  for (const growth of [16, 64]) {
    growing.resize(growth);
    same(await digest(tracking), await digest(new Uint8Array(growth)));
  }

  const proxies = [new Proxy(bytes(4), {}), new Proxy(new ArrayBuffer(4), {})];
  for (const proxy of proxies) await rejects(subtle.digest("SHA-256", proxy), "TypeError");
  await rejects(
    subtle.encrypt({ name: "AES-GCM", iv: bytes(12) }, new Proxy(key, {}), bytes(1)),
    "TypeError",
  );
  await rejects(
    subtle.encrypt(
      { name: "AES-GCM", iv: bytes(12) },
      Object.create(CryptoKey.prototype),
      bytes(1),
    ),
    "TypeError",
  );

  // ---- A stack that is almost used up ------------------------------------------

  const answers = [];
  const sink = () => {
    try {
      sink();
    } catch (error) {
      if (answers.length < 300) {
        try {
          answers[answers.length] = subtle.digest("SHA-256", whole);
        } catch {
          // no room for the call itself
        }
      }
      throw error;
    }
  };
  throws(sink);
  const settled = await Promise.allSettled(answers);
  const right = await digest(whole);
  for (const { status, value } of settled) {
    const good = status === "rejected" || new Uint8Array(value).toHex() === right;
    check(good, "a wrong digest");
  }

  // ---- Long ones ---------------------------------------------------------------

  await rejects(subtle.digest("x".repeat(100_000), bytes(1)), "NotSupportedError");
  const jwk = { kty: "RSA", n: "A".repeat(100_000), e: "AQAB" };
  const rsa = { name: "RSA-PSS", hash: "SHA-256" };
  await rejects(subtle.importKey("jwk", jwk, rsa, true, ["verify"]), "DataError");
  await rejects(
    subtle.importKey("spki", new Uint8Array(100_000), rsa, true, ["verify"]),
    "DataError",
  );
})();
