// SPDX-License-Identifier: MIT
//
// known.js - known answers: what standards say that comes out. The RSA key and
// what is made with it are OpenSSL's.

const { subtle } = crypto;
const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const text = (string) => Uint8Array.from(string, (c) => c.charCodeAt(0));
const toHex = (buffer) =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const toWeb = (bytes) => {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{1,6}/g).map((six) => digits[parseInt(six.padEnd(6, "0"), 2)]).join("");
};

const raw = (algorithm, bytes, ...usages) =>
  subtle.importKey("raw", bytes, algorithm, false, usages);

async function digests() { // FIPS 180-4
  const expected = {
    "SHA-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "SHA-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163" +
      "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "SHA-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  };
  for (const [name, digest] of Object.entries(expected)) {
    same(toHex(await subtle.digest(name, text("abc"))), digest, name);
  }
  const million = new Uint8Array(1_000_000).fill(97);
  const digest = toHex(await subtle.digest("SHA-256", million));
  same(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

async function hmac() { // RFC 4231, case 2
  const expected = {
    "SHA-256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "SHA-512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  };
  for (const [hash, code] of Object.entries(expected)) {
    const key = await raw({ name: "HMAC", hash }, text("Jefe"), "sign", "verify");
    const data = text("what do ya want for nothing?");
    same(toHex(await subtle.sign("HMAC", key, data)), code, hash);
    same(await subtle.verify("HMAC", key, hex(code), data), true);
  }
}

async function ciphers() { // SP 800-38A, F.2.1 and F.5.1; GCM, test case 4; RFC 3394, 4.1
  const key = hex("2b7e151628aed2a6abf7158809cf4f3c");
  const plain = hex("6bc1bee22e409f96e93d7e117393172a");
  const iv = hex("000102030405060708090a0b0c0d0e0f");
  const cbc = await subtle.encrypt(
    { name: "AES-CBC", iv },
    await raw("AES-CBC", key, "encrypt"),
    plain,
  );
  same(toHex(cbc).slice(0, 32), "7649abac8119b246cee98e9b12e9197d");

  const counter = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const how = { name: "AES-CTR", counter, length: 64 };
  const ctr = await subtle.encrypt(how, await raw("AES-CTR", key, "encrypt"), plain);
  same(toHex(ctr), "874d6191b620e3261bef6864990db6ce");

  const gcm = {
    name: "AES-GCM",
    iv: hex("cafebabefacedbaddecaf888"),
    additionalData: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  };
  const made = await subtle.encrypt(
    gcm,
    await raw("AES-GCM", hex("feffe9928665731c6d6a8f9467308308"), "encrypt"),
    hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    ),
  );
  same(
    toHex(made),
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091" +
      "5bc94fbc3221a5db94fae95ae7121a47",
  );

  const inside = await subtle.importKey(
    "raw",
    hex("00112233445566778899aabbccddeeff"),
    "AES-CBC",
    true,
    ["encrypt"],
  );
  const by = await raw("AES-KW", hex("000102030405060708090a0b0c0d0e0f"), "wrapKey");
  const wrapped = await subtle.wrapKey("raw", inside, by, "AES-KW");
  same(toHex(wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
}

async function derived() { // RFC 6070; RFC 5869, case 1
  const password = await raw("PBKDF2", text("password"), "deriveBits");
  const expected = {
    1: "0c60c80f961f0e71f3a9b524af6012062fe037a6",
    2: "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957",
    4096: "4b007901b765489abead49d926f721d065a429c1",
  };
  for (const [iterations, bits] of Object.entries(expected)) {
    const how = { name: "PBKDF2", hash: "SHA-1", salt: text("salt"), iterations: +iterations };
    same(toHex(await subtle.deriveBits(how, password, 160)), bits, iterations);
  }
  const how = {
    name: "HKDF",
    hash: "SHA-256",
    salt: hex("000102030405060708090a0b0c"),
    info: hex("f0f1f2f3f4f5f6f7f8f9"),
  };
  const secret = await raw("HKDF", new Uint8Array(22).fill(11), "deriveBits");
  same(
    toHex(await subtle.deriveBits(how, secret, 42 * 8)),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
}

// Points A and R that a point of small order was added to, or that are one. What RFC 8032
// allows besides, an equation that holds only after a multiplication by 8, is bad here.
async function smallOrder() {
  const a = "e84e95fe8d4120188a51af498939204f6d70fcf00564c16e8586f6ec2d155720";
  const mixed = "01bfd6e8f2bd0b0a3714561679d110aa51f339cc2f7b444d6e40fd5958fdb721";
  const r = "3b268a4e490fc58f64a7909547d74fe08341fd66e5671c9898596979066cdbe5";
  const small = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
  const other = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc";
  const one = "01" + "00".repeat(31);
  const top = "ff".repeat(30) + "7f";
  const ofR = "3b4d57974d4da55a05" + "00".repeat(23); // S, where A is of small order
  const rows = [
    [true, 0, a, r, "89cb3b4c5c652f12c8f6ebc7bc2576df976a7fd630f77e610b2319223bdbe604"],
    [true, 8, mixed, r, "8dd2099367c723705f4d14638ebf6fd01d7aedc25f4b6c17bb012019dadb4c0c"],
    [false, 0, mixed, r, "e007b92d78b699eb7c1bc5a250a626d7e78d47ac53bb011c71570dfd96498706"],
    [
      false,
      0,
      a,
      "b1c0a44cb6445b1104a488bb243c49acab76e4d93fde2259aaee914a25d69d86",
      "8a833046ac672a1507e1baaa9040fa9e158d1bf4ab358c804e05a8c151ef9709",
    ],
    [false, 0, a, small, "9ff387f3c32798b78936e704cc84bf3613994670e1afc2bcb43b221f6f347505"],
    [false, 0, a, one, "ad6cab6bd583bd9cc18d5216c47b2e6da1edcc854f5cc0dd10731b46c345c80a"],
    // All points of small order, also as they are not reduced; the equation holds for each.
    [false, 3, one, r, ofR],
    [false, 8, "ee" + top, r, ofR],
    [false, 1, "ec" + top, r, ofR],
    [false, 4, "00".repeat(32), r, ofR],
    [false, 2, "00".repeat(31) + "80", r, ofR],
    [false, 0, "ed" + top, r, ofR],
    [false, 3, small, r, ofR],
    [false, 3, small.slice(0, 62) + "fa", r, ofR],
    [false, 16, other + "05", r, ofR],
    [false, 5, other + "85", r, ofR],
  ];
  for (const [good, message, key, point, scalar] of rows) {
    const known = await subtle.importKey("raw", hex(key), "Ed25519", false, ["verify"]);
    const signature = hex(point + scalar);
    const is = await subtle.verify("Ed25519", known, signature, Uint8Array.of(message));
    check(is === good, `${key} and ${point}`);
  }
}

async function edwards() { // RFC 8032, 7.1, test 2; RFC 7748, 6.1
  const jwk = (crv, d, x) => ({ kty: "OKP", crv, d: toWeb(hex(d)), x: toWeb(hex(x)) });
  const key = await subtle.importKey(
    "jwk",
    jwk(
      "Ed25519",
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ),
    "Ed25519",
    false,
    ["sign"],
  );
  same(
    toHex(await subtle.sign("Ed25519", key, hex("72"))),
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );
  const own = await subtle.importKey(
    "jwk",
    jwk(
      "X25519",
      "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ),
    "X25519",
    false,
    ["deriveBits"],
  );
  const other = await raw(
    "X25519",
    hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
  );
  same(
    toHex(await subtle.deriveBits({ name: "X25519", public: other }, own, 256)),
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  );
}

async function curves() { // RFC 6979, A.2.5; ECDH: NIST CAVS, P-256, 0
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const key = await subtle.importKey(
    "raw",
    hex(
      "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" +
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    ),
    algorithm,
    true,
    ["verify"],
  );
  const signature = hex(
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
  );
  const how = { name: "ECDSA", hash: "SHA-256" };
  same(await subtle.verify(how, key, signature, text("sample")), true);
  same(await subtle.verify(how, key, signature, text("test")), false);

  const ecdh = { name: "ECDH", namedCurve: "P-256" };
  const own = await subtle.importKey(
    "jwk",
    {
      kty: "EC",
      crv: "P-256",
      x: toWeb(hex("ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230")),
      y: toWeb(hex("28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141")),
      d: toWeb(hex("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534")),
    },
    ecdh,
    false,
    ["deriveBits"],
  );
  const other = await raw(
    ecdh,
    hex(
      "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287" +
        "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
    ),
  );
  same(
    toHex(await subtle.deriveBits({ name: "ECDH", public: other }, own, null)),
    "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
  );
}

const RSA = {
  kty: "RSA",
  n: "mTUcpKvRYRHjaVHJY-8ZFzsp-JUwSm0iHKuFH45I9s2-34VktIaoOp_QjH4Z--aBK8dxcBEC_JQ4gqR8" +
    "qln0JLplc2cLqldXWWsSwAapILJA0icG_T2I0o5HSQbhNkn7MrsW2p1xWTuboACOCFvWAbmb3Y3AaP83" +
    "mYiAAFYtzAc",
  e: "AQAB",
  d: "IXGImSGwiQIApGLoFVqCHaIanVrjubts8Nk4LBVBNC7hdaWGwCmM2487VQ_J2EUO-WGGD7KG9l_cnhgN" +
    "5pnQQ0W-" +
    "DJLB9eQxhT29tUDCRlhqiWBSerQO9bCjvLYPQdfswnnjMjh2s6LljEntSGX36d_rWlckqG_ILtj_F33s" +
    "L6E",
  p: "x4MzJw2p-" +
    "PaLEGWIusKbAg27ICb3eEfhKbyEcIsYdyZkNIOZV6Q__45ut7xbi4eIUOCAUV75w9zJl3dm5Z2_GQ",
  q: "xJWxONMmchKd6KvNbHoiAMfw3DeLZc9aQyAOY1-H4axJRV-" +
    "JpPvfjLL7idsLxpoiqLyct4yRZxP5ZmxVx63oHw",
  dp: "HLkDtTyfWstLq_miHJkFrd8CMJfLitJ2VQbh3j34MLcjN_g2LErmN8luoR8J4uWJN3OKpaxRsuPnVdoH" +
    "w0jZiQ",
  dq: "ene3HGuOu-oVLeo546aCoHHu_4Iq-" +
    "ZYf6UmDLS1KfbDTRMCsA3hWYFTwl4U65NMJXI2EJGUSAGFVMhWzqt4QiQ",
  qi: "MZVptP2g4B6buemBlvuxAnyScYyiglN_dcfYddt7Xr8OgR0uhomwK5IUGtm2cNWrT27K_FnnCojBhPrZ" +
    "v_cufQ",
};

async function rsa() {
  const key = (name, hash, ...usages) =>
    subtle.importKey("jwk", RSA, { name, hash }, false, usages);
  const signature =
    "4bc562a8baa9c85153f45f1885c59375cdd23a76a595717ebe4d2aeb6a0eabd817e765a5db047862" +
    "49e3ae9cc3a4585fa05528969189b5194deab1a8c933f088aaf25fdfaa054dda8c840e1c83142de1" +
    "cead4bf61e1802190eb6d46141733716e86d8e33bb570f0d7d23c5426486cfdb93aadb4c31e3c603" +
    "9f8033327469e0e3";
  const signing = await key("RSASSA-PKCS1-v1_5", "SHA-256", "sign");
  same(toHex(await subtle.sign("RSASSA-PKCS1-v1_5", signing, text("abc"))), signature);

  const encrypted =
    "2c6f7309ae4a7779920bcb11a52d31f9c9e5072cee4015dd425a6a27e81a2b2ceb08a3e72828576e" +
    "d878c95b2d334fd520b837a2a3521c2952b1ebb2f02ac3f090c13fb9bbb7fdaa913d373597e31888" +
    "e6cd60e6a410a7c15811900bae73ceea14814b51d47e23a0eb0aaebd56f72fc381f4e8b86da675ee" +
    "d31947f0feadc632";
  const opening = await key("RSA-OAEP", "SHA-1", "decrypt");
  same(toHex(await subtle.decrypt("RSA-OAEP", opening, hex(encrypted))), toHex(text("abc")));

  const salted =
    "78b522deafd0b639e5ec546281e8f5d6b04e8f52c0c22a4d72d0d1ba91e5699b76e53104aa320c77" +
    "97ec64e564e2a2eaf1fa10b83b7e6d321fa53ffd05ebde5dc1c1ea0bbd4db8d3bf26f05f4a909e9e" +
    "8c445a3348e67a68d0d53a4ea86ee93f4c7456a26fd0b76165f9c44f2f2b12aac26541877fdbe8fc" +
    "4f31ae40b89cace3";
  const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
  const { kty, n, e } = RSA;
  const checking = await subtle.importKey("jwk", { kty, n, e }, algorithm, true, ["verify"]);
  const how = { name: "RSA-PSS", saltLength: 20 };
  same(await subtle.verify(how, checking, hex(salted), text("abc")), true);
  same(await subtle.verify({ ...how, saltLength: 32 }, checking, hex(salted), text("abc")), false);
}

(async () => {
  for (const run of [digests, hmac, ciphers, derived, edwards, smallOrder, curves, rsa]) await run();
})();
