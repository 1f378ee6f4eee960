// SPDX-License-Identifier: MIT
//
// damaged.js - keys in files that were damaged by chance: each is refused with a
// DataError or is a key, which then goes out and in again as it is.

(async () => {
  const { subtle } = crypto;
  let seed = 7;
  const below = (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 4294967296 * n);
  };
  const damage = (bytes) => {
    let made = bytes.slice();
    for (let i = below(3); i >= 0; i--) {
      const at = below(made.length);
      const what = below(5);
      if (what === 0) made[at] ^= 1 << below(8);
      else if (what === 1) made[at] = below(256);
      else if (what === 2) made = made.slice(0, at + 1);
      else if (what === 3) {
        made = new Uint8Array([...made.slice(0, at), ...made.slice(at + 1 + below(3))]);
      } else made = new Uint8Array([...made.slice(0, at), below(256), ...made.slice(at)]);
      if (made.length === 0) made = new Uint8Array(1);
    }
    return made;
  };
  const damageText = (jwk) => {
    const made = { ...jwk };
    const names = Object.keys(made).filter((name) => typeof made[name] === "string");
    const name = names[below(names.length)];
    const at = below(made[name].length);
    const what = below(5);
    const text = made[name];
    if (what === 0) delete made[name];
    else if (what === 1) made[name] = text.slice(0, at);
    else if (what === 2) {
      made[name] = text.slice(0, at) + "AQ-_=+ \u00e9".charAt(below(8)) + text.slice(at + 1);
    } else if (what === 3) made[name] = made[names[below(names.length)]];
    else made[name] = text + "AAAA";
    return made;
  };

  const exponent = {
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
  const algorithms = [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDH", namedCurve: "P-521" },
    { name: "Ed25519" },
    { name: "X25519" },
    { name: "RSA-PSS", ...exponent },
  ];
  for (const algorithm of algorithms) {
    const usages = ["sign", "verify"];
    if (algorithm.name === "ECDH" || algorithm.name === "X25519") usages.splice(0, 2, "deriveBits");
    const pair = await subtle.generateKey(algorithm, true, usages);
    for (const key of [pair.publicKey, pair.privateKey]) {
      for (const format of ["raw", "spki", "pkcs8", "jwk"]) {
        const whole = await subtle.exportKey(format, key).catch(() => undefined);
        if (whole === undefined) continue;
        const take = (data) => subtle.importKey(format, data, algorithm, true, key.usages);
        const rounds = algorithm.name === "RSA-PSS" || key.type === "private" ? 60 : 200;
        for (let i = 0; i < rounds; i++) {
          const wrong = format === "jwk" ? damageText(whole) : damage(new Uint8Array(whole));
          let taken;
          try {
            taken = await take(wrong);
          } catch (error) {
            const fine = ["DataError", "SyntaxError"].includes(error.name);
            check(fine, `${algorithm.name} ${format}: ${error}`);
            continue;
          }
          const again = await subtle.exportKey(format, taken);
          const third = await subtle.exportKey(format, await take(again));
          const text = (data) =>
            format === "jwk" ? JSON.stringify(data) : new Uint8Array(data).toHex();
          same(text(third), text(again));
        }
      }
    }
  }

  // What is wrapped is damaged, too.
  const by = await subtle.generateKey({ name: "AES-CTR", length: 128 }, true, [
    "wrapKey",
    "unwrapKey",
  ]);
  const inside = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
  const how = { name: "AES-CTR", counter: new Uint8Array(16), length: 64 };
  const wrapped = new Uint8Array(await subtle.wrapKey("jwk", inside, by, how));
  for (let i = 0; i < 300; i++) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    await subtle.unwrapKey("jwk", damage(wrapped), by, how, algorithm, true, ["sign"]).catch(
      (error) => {
        check(["DataError", "TypeError"].includes(error.name), `${error}`);
      },
    );
  }
})();
