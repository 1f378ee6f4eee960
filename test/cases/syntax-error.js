// A syntax error names the file and the line.
// exit: thrown
// error: SyntaxError
// error: syntax-error.js:6
console.log("never");
const broken = = 5;
