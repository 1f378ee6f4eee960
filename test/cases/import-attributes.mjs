// An attribute that is not known: a SyntaxError where it is declared, a
// TypeError where import() is called.
// expect: TypeError there is no import attribute 'unknown'
// expect: TypeError there is no import attribute 'unknown'
// expect: SyntaxError there is no import attribute 'unknown' (imported by 'import-attributes.mjs')
// expect: SyntaxError there is no import attribute 'unknown' (imported by 'import-attributes.mjs')
// expect: ReferenceError
async function tell(loading, short) {
  await loading.then(() => console.log("loaded"), (error) => console.log(short ? error.name : `${error.name} ${error.message}`));
}
await tell(import("./modules/counter.mjs", { with: { unknown: "json" } }));
await tell(import("./modules/counter.mjs", { with: { type: "json", unknown: "" } }));
await tell(import("./modules/attribute-unknown.mjs"));
await tell(import("./modules/attribute-exported.mjs"));
await tell(import("./modules/none.mjs", { with: {} }), true);
