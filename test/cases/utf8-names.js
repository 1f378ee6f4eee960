// Names beyond ASCII are told apart by their characters: those whose characters
// are the bytes of another name in UTF-8 are there, and are other names.
// expect: 1
// expect: 1 [ 'Ã©', 'é' ] 4
// expect: [ 'é' ] undefined
// expect: 7 undefined
const bytes = ["\u00c3\u00a9", "\u00e2\u0082\u00ac", "\u00c3\u00b6"];
globalThis.kept = Object.fromEntries(bytes.map(name => [name, 1]));
console.log(eval("(function () { var é = 5; return Object.keys({é})[0] })()")
              .length);
const both = eval("({'\\u00c3\\u00a9': 1, é: 4})");
console.log(both["\u00c3\u00a9"], Object.keys(both), both.é);
const parsed = JSON.parse("{\"é\": 2}");
console.log(Object.keys(parsed), parsed["\u00c3\u00a9"]);
class Größe {
  get "€"() { return 7 }
}
console.log(new Größe()["\u20ac"], new Größe()["\u00e2\u0082\u00ac"]);
