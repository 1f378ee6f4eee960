// Large integers in variables of functions that sleep.
// expect: 2880067194370816120n 209 517691607n
// expect: 113999470809967519430681896068423748352n 8245632429209553664n -89929726n
// expect: -893505298214478217n true 51 -1.6069380442589903e+60
import { sleep } from "torpor:run";
async function fibonacci(n) { let a = 0n, b = 1n; for (let i = 0; i < n; i++) { if (i % 50 === 0) await sleep(1); [a, b] = [b, a + b]; } return a; }
const [small, large] = await Promise.all([fibonacci(90), fibonacci(1000)]);
console.log(small, large.toString().length, large % 1000000007n);
const powers = (function* () { for (let p = 1n; ; p = (p * 31n) % (1n << 127n)) yield p; })();
let sum = 0n;
for (const p of powers.take(40)) { sum ^= p; if (sum % 3n === 0n) await sleep(1); }
console.log(sum, BigInt.asIntN(64, sum), -sum >> 100n);
let negative = -(2n ** 200n) + 1n;
await sleep(5);
console.log(negative / 7n ** 50n, ~negative === 2n ** 200n - 2n, negative.toString(16).length, Number(negative));
