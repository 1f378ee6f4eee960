// SPDX-License-Identifier: MIT
//
// keys.sleep.js - keys of all kinds that are alive while the VM sleeps.

const { subtle } = crypto;
const bytes = (size, value = 7) => new Uint8Array(size).fill(value);
globalThis.keys = {};
globalThis.made = {};
globalThis.CURVES = ["P-256", "P-384", "P-521"];
globalThis.RSA = {
  hash: "SHA-256",
  modulusLength: 1024,
  publicExponent: new Uint8Array([1, 0, 1]),
};

(async () => {
  const signing = ["sign", "verify"];
  keys.gcm = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
  made.gcm = await subtle.encrypt({ name: "AES-GCM", iv: bytes(12) }, keys.gcm, bytes(50, 1));
  keys.hmac = await subtle.generateKey({ name: "HMAC", hash: "SHA-512" }, true, signing);
  made.hmac = await subtle.sign("HMAC", keys.hmac, bytes(50, 2));
  for (const namedCurve of CURVES) {
    const pair = await subtle.generateKey({ name: "ECDSA", namedCurve }, true, signing);
    keys[namedCurve] = pair;
    made[namedCurve] = await subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      pair.privateKey,
      bytes(9),
    );
  }
  keys.ed = await subtle.generateKey("Ed25519", false, signing);
  made.ed = await subtle.sign("Ed25519", keys.ed.privateKey, bytes(9));
  keys.x = await subtle.generateKey("X25519", false, ["deriveBits"]);
  keys.rsa = await subtle.generateKey({ ...RSA, name: "RSASSA-PKCS1-v1_5" }, true, signing);
  made.rsa = await subtle.sign("RSASSA-PKCS1-v1_5", keys.rsa.privateKey, bytes(9));
  made.jwk = await subtle.exportKey("jwk", keys.rsa.privateKey);
})();

//// sleep

(async () => {
  const { subtle } = crypto;
  const bytes = (size, value = 7) => new Uint8Array(size).fill(value);
  const how = { name: "AES-GCM", iv: bytes(12) };
  same(new Uint8Array(await subtle.decrypt(how, keys.gcm, made.gcm)), bytes(50, 1));
  same(await subtle.verify("HMAC", keys.hmac, made.hmac, bytes(50, 2)), true);
  same(await subtle.verify("HMAC", keys.hmac, made.hmac, bytes(50, 3)), false);
  for (const namedCurve of CURVES) {
    const ecdsa = { name: "ECDSA", hash: "SHA-256" };
    const { publicKey, privateKey } = keys[namedCurve];
    same(await subtle.verify(ecdsa, publicKey, made[namedCurve], bytes(9)), true);
    const again = await subtle.sign(ecdsa, privateKey, bytes(9));
    same(await subtle.verify(ecdsa, publicKey, again, bytes(9)), true);
  }
  same(
    new Uint8Array(await subtle.sign("Ed25519", keys.ed.privateKey, bytes(9))),
    new Uint8Array(made.ed),
  );
  const other = await subtle.generateKey("X25519", false, ["deriveBits"]);
  const derive = (own, from) =>
    subtle.deriveBits({ name: "X25519", public: from.publicKey }, own.privateKey, 256);
  same(new Uint8Array(await derive(keys.x, other)), new Uint8Array(await derive(other, keys.x)));
  const signature = await subtle.sign("RSASSA-PKCS1-v1_5", keys.rsa.privateKey, bytes(9));
  same(new Uint8Array(signature), new Uint8Array(made.rsa));
  same(await subtle.exportKey("jwk", keys.rsa.privateKey), made.jwk);
  await rejects(subtle.exportKey("raw", keys.gcm), "InvalidAccessError");
  same(keys.gcm.algorithm, { name: "AES-GCM", length: 256 });
  check(keys.gcm instanceof CryptoKey && crypto.subtle === subtle, "the same classes");
  same(crypto.randomUUID().length, 36);
})();
