// Integers of any size.
// expect: true true bigint 16n byw97um9s91dlz68tsi
// expect: TypeError
// expect: RangeError
// expect: 265252859812191058636308480000000n 2652528598121n -3n -1n
// expect: 255n -1n 15n 1180591620717411303424n -3n
let factorial = 1n;
for (let i = 1n; i <= 30n; i++) factorial *= i;
setTimeout(() => console.log(factorial, factorial / 10n ** 20n, -7n / 2n, -7n % 3n), 5);
setTimeout(() => console.log(BigInt.asUintN(8, -1n), BigInt.asIntN(8, 255n), 0xffn & 0x0fn, 1n << 70n, -5n >> 1n), 10);
console.log(2n > 1, 2n == 2, typeof (2n * 2n), BigInt("0x10"), (123456789012345678901234567890n).toString(36));
try { 1n + 1; } catch (error) { console.log(error.name); }
try { BigInt(1.5); } catch (error) { console.log(error.name); }
