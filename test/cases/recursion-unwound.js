// Deep recursion has just been unwound when the program goes to sleep: nothing
// of its dead stack may be in a snapshot.
// expect: 8
// expect: RangeError
// expect: abc
// expect: 400
const dig = (n, secret) => (n === 0 ? secret.length : dig(n - 1, `${secret}`) + 0);
setTimeout(() => console.log(dig(500, "a secret")), 5);
setTimeout(() => { try { (function endless() { endless(); })(); } catch (error) { console.log(error.name); } }, 10);
setTimeout(() => console.log([..."cab"].sort((a, b) => (dig(100, a), a < b ? -1 : 1)).join("")), 15);
setTimeout(() => console.log(JSON.stringify(JSON.parse("[".repeat(200) + "]".repeat(200))).length), 20);
