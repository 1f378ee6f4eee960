// Running out of memory can be caught, and the program goes on.
// expect: true out of memory
// expect: true
// expect: true
// expect: goes on 1000
// memory: 8388608
const held = [];
try { for (;;) held.push(new Array(1000).fill(held.length)); } catch (error) { console.log(error instanceof Error, error.message); held.length = 0; }
setTimeout(() => console.log("goes on", new Array(1000).fill(1).length), 10);
try { "x".repeat(2 ** 29); } catch (error) { console.log(error instanceof Error); }
try { new ArrayBuffer(2 ** 30); } catch (error) { console.log(error instanceof Error); }
