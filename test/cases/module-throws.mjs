// A module that throws while evaluated throws the same error each time.
// expect: throws is evaluated
// expect: 2 true while evaluated true
const errors = [];
for (let i = 0; i < 2; i++) await import("./modules/throws.mjs").catch((error) => errors.push(error));
console.log(errors.length, errors[0] === errors[1], errors[0].message, errors[0].stack.includes("modules/throws.mjs:2"));
