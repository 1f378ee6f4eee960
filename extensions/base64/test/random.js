// SPDX-License-Identifier: MIT
//
// random.js - random hex texts; the sum of all results and errors is what the
// engine's own functions give.

let state = 88172645;
const below = (n) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
};
let sum = 0;
const add = (text) => {
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0;
};
const digits = "0123456789abcdefABCDEF";
const others = "gG/:@`xX \n\0\u007f\u0080\u00ff\u0100\ud800\ud801";

for (let round = 0; round < 6000; round++) {
  const wrong = below(3) === 0 ? 25 : 0;
  let text = "";
  for (let i = below(80); i > 0; i--) {
    text += wrong && below(wrong) === 0 ? others[below(others.length)] : digits[below(22)];
  }
  const target = new Uint8Array(new ArrayBuffer(60), below(9), below(50)).fill(0xee);
  for (const use of [() => Uint8Array.fromHex(text), () => target.setFromHex(text)]) {
    try {
      const made = use();
      add(made instanceof Uint8Array ? made.join() : JSON.stringify(made));
    } catch (error) {
      add(`${error.name}: ${error.message}`);
    }
  }
  add(new Uint8Array(target.buffer).join());
}
same(sum, 2256494344);
