// Not JavaScript at all.
// exit: thrown
// error: SyntaxError
// error: not-javascript.js:5
<!DOCTYPE html><html><body>Hello</body></html>
