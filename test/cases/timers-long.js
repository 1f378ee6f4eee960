// Waits longer than 32 bits of milliseconds are kept, not cut.
// expect: 2^31 + 1 ms 2147483649
// expect: 31 days 2023-12-15T22:13:20.000Z
// expect: a year 2024-11-13T22:13:20.000Z
const days = (n) => n * 86400000;
setTimeout(() => console.log("a year", new Date().toISOString()), days(365));
setTimeout(() => console.log("31 days", new Date().toISOString()), days(31));
const century = setTimeout(() => console.log("never"), Infinity);
setTimeout(() => clearTimeout(century), days(400));
setTimeout(() => console.log("2^31 + 1 ms", performance.now()), 2 ** 31 + 1);
