// import() of what is not there, or not allowed, rejects and can be tried again.
// expect: true true true
// expect: true true true
// expect: true true true
// expect: true true true
// expect: true true true
// expect: true true true
for (const name of ["./modules/nowhere.mjs", "./modules/nowhere.mjs", "torpor:nothing", "bare", "/absolute.mjs", 7]) {
  try { await import(name); console.log("imported", name); } catch (error) { console.log(error instanceof Error, error.message.includes(`${name}`.replace("./", "")), error.message.includes("missing-dynamic.mjs")); }
}
