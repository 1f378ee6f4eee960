// An endless loop is ended by fuel; catch and finally do not see that.
// expect: before
// fuel: 1000000
// exit: interrupted
// error: fuel
console.log("before");
try { for (;;); } catch { console.log("never"); } finally { console.log("never"); }
