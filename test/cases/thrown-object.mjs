// What is thrown and is no error shows what it is.
// exit: thrown
// error: { code: 5, msg: 'disk full' }
throw { code: 5, msg: "disk full" };
