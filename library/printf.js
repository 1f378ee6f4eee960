/* SPDX-License-Identifier: MIT */
/* printf.js - text by the formats of C's printf.
 *
 *   $.sprintf(format, args)   %d %i %u %o %x %X %c %s %f %F %e %E %g %G %a %A
 *                             %%, with flags "-+ #0", width, precision, "*",
 *                             and sizes (h l ll j z t), which mean nothing but
 *                             that %u, %o and %x show a negative number in 64
 *                             bits with l, else in 32 */
(function ($) {
  "use strict";

  const { uncurry } = $;
  const { BigInt, BigUint64Array, Float64Array, Number, RangeError, String,
    TypeError } = $.global;
  const { isFinite, isNaN } = Number;
  const { abs, floor } = $.global.Math;
  const asUint = BigInt.asUintN;
  const bigText = uncurry(BigInt.prototype.toString);
  const toExponential = uncurry(Number.prototype.toExponential);
  const toUpper = uncurry(String.prototype.toUpperCase);
  const repeat = uncurry(String.prototype.repeat);
  const slice = uncurry(String.prototype.slice);
  const indexOf = uncurry(String.prototype.indexOf);
  const fromCode = String.fromCodePoint;
  const float = new Float64Array(1);
  const bits = new BigUint64Array(float.buffer);

  /* Widest field, and most digits: more is a mistake, or a trap. */
  const LARGEST = 1 << 20;

  const bad = (what) => new TypeError("printf: " + what);

  /* ---- Whole numbers ---- */

  const bigOf = (value) => {
    if (typeof value === "bigint") return value;
    const number = Number(value);
    if (!isFinite(number)) return 0n;
    return BigInt(number < 0 ? -floor(-number) : floor(number));
  };

  const atLeast = (digits, precision) =>
    digits.length < precision
      ? repeat("0", precision - digits.length) + digits
      : digits;

  const signed = (spec, value) => {
    const number = bigOf(value);
    const digits = bigText(number < 0n ? -number : number);
    spec.sign = number < 0n ? "-" : spec.plus;
    return spec.precision === 0 && number === 0n
      ? ""
      : atLeast(digits, spec.precision);
  };

  const radixes = { __proto__: null, u: 10, o: 8, x: 16, X: 16 };

  const unsigned = (spec, value) => {
    let number = bigOf(value);
    if (number < 0n) number = asUint(spec.long ? 64 : 32, number);
    let digits = bigText(number, radixes[spec.code]);
    if (spec.precision === 0 && number === 0n) digits = "";
    digits = atLeast(digits, spec.precision);
    if (spec.alternate && spec.code === "o" && digits[0] !== "0")
      digits = "0" + digits;
    if (spec.alternate && number !== 0n && radixes[spec.code] === 16)
      spec.sign = "0x";
    return digits;
  };

  /* ---- Numbers with a fraction ---- */

  /* JavaScript rounds up what lies in the middle, C to the even digit; and it
   * has 100 digits at most. So this is done with whole numbers, exactly. */

  /* 'number', which is finite and not negative, as mantissa * 2 ** exponent. */
  const partsOf = (number) => {
    float[0] = number;
    const exponent = Number(bits[0] >> 52n);
    const fraction = bits[0] & 0xfffffffffffffn;
    return exponent === 0
      ? { mantissa: fraction, exponent: -1074 }
      : { mantissa: fraction | 0x10000000000000n, exponent: exponent - 1075 };
  };

  /* 'number' * 10 ** power, rounded. */
  const scaled = (number, power) => {
    const { mantissa, exponent } = partsOf(number);
    let top = mantissa;
    let bottom = 1n;
    if (power >= 0) top *= 10n ** BigInt(power);
    else bottom *= 10n ** BigInt(-power);
    if (exponent >= 0) top <<= BigInt(exponent);
    else bottom <<= BigInt(-exponent);
    const whole = top / bottom;
    const twice = (top - whole * bottom) * 2n;
    return twice > bottom || (twice === bottom && (whole & 1n) === 1n)
      ? whole + 1n
      : whole;
  };

  /* No number has more digits behind its point. */
  const DIGITS = 1074;

  const split = (digits, behind, precision) => {
    const at = digits.length - behind;
    if (precision === 0) return digits;
    return slice(digits, 0, at) + "." + slice(digits, at) +
      repeat("0", precision - behind);
  };

  const fixed = (number, precision) => {
    const behind = precision < DIGITS ? precision : DIGITS;
    const digits = bigText(scaled(number, behind));
    return split(atLeast(digits, behind + 1), behind, precision);
  };

  const exponentOf = (number) => {
    if (number === 0) return 0;
    const text = toExponential(number);
    return Number(slice(text, indexOf(text, "e") + 1));
  };

  const scientific = (number, precision) => {
    const behind = precision < DIGITS ? precision : DIGITS;
    const wanted = behind + 1;
    let exponent = exponentOf(number);
    let digits = bigText(scaled(number, behind - exponent));
    /* The estimate was of the shortest form, or rounding has carried. */
    while (number !== 0 && digits.length !== wanted) {
      exponent += digits.length - wanted;
      digits = bigText(scaled(number, behind - exponent));
    }
    const size = bigText(BigInt(abs(exponent)));
    return split(atLeast(digits, wanted), behind, precision) + "e" +
      (exponent < 0 ? "-" : "+") + atLeast(size, 2);
  };

  const dropZeros = (text) => {
    if (indexOf(text, ".") < 0) return text;
    let end = text.length;
    while (text[end - 1] === "0") end--;
    if (text[end - 1] === ".") end--;
    return slice(text, 0, end);
  };

  const general = (spec, number, precision) => {
    const digits = precision === 0 ? 1 : precision;
    const text = scientific(number, digits - 1);
    const at = indexOf(text, "e");
    const exponent = Number(slice(text, at + 1));
    if (number !== 0 && (exponent < -4 || exponent >= digits)) {
      const head = slice(text, 0, at);
      return (spec.alternate ? head : dropZeros(head)) + slice(text, at);
    }
    const plain = fixed(number, number === 0 ? digits - 1
      : digits - 1 - exponent);
    return spec.alternate ? plain : dropZeros(plain);
  };

  /* 0x1.8p+1 */
  const hexadecimal = (spec, number) => {
    let exponent = 0;
    spec.sign += "0x";
    if (number === 0) return "0p+0";
    while (number >= 2) {
      number /= 2;
      exponent++;
    }
    while (number < 1 && exponent > -1022) {
      number *= 2;
      exponent--;
    }
    let mantissa = BigInt(number * 0x10000000000000);
    let width = 13;
    if (spec.precision >= 0 && spec.precision < 13) {
      const drop = BigInt(4 * (13 - spec.precision));
      const half = 1n << (drop - 1n);
      const rest = mantissa & ((1n << drop) - 1n);
      mantissa >>= drop;
      if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++;
      width = spec.precision;
    }
    const all = atLeast(bigText(mantissa, 16), width + 1);
    let fraction = slice(all, all.length - width);
    if (width === 0) fraction = "";
    if (spec.precision < 0) fraction = slice(dropZeros("." + fraction), 1);
    else if (spec.precision > 13) fraction += repeat("0", spec.precision - 13);
    return slice(all, 0, all.length - width) +
      (fraction === "" ? "" : "." + fraction) +
      "p" + (exponent < 0 ? "-" : "+") + abs(exponent);
  };

  const isNegative = (number) =>
    number < 0 || (number === 0 && 1 / number < 0);

  const fraction = (spec, value) => {
    const given = Number(value);
    const number = isNegative(given) ? -given : given;
    const precision = spec.precision < 0 ? 6 : spec.precision;
    spec.sign = isNegative(given) ? "-" : spec.plus;
    if (!isFinite(number)) {
      spec.zero = false;
      return isNaN(number) ? "nan" : "inf";
    }
    switch (spec.code) {
      case "f":
      case "F":
        return withPoint(spec, fixed(number, precision), precision);
      case "e":
      case "E":
        return scientific(number, precision);
      case "g":
      case "G":
        return general(spec, number, precision);
      default:
        return hexadecimal(spec, number);
    }
  };

  const withPoint = (spec, text, precision) =>
    spec.alternate && precision === 0 ? text + "." : text;

  /* ---- Fields ---- */

  const character = (value) =>
    typeof value === "string" ? slice(value, 0, 1)
      : fromCode(Number(bigOf(value)) >>> 0);

  const convert = (spec, value) => {
    switch (spec.code) {
      case "d":
      case "i":
        return signed(spec, value);
      case "u":
      case "o":
      case "x":
      case "X":
        return unsigned(spec, value);
      case "c":
        return character(value);
      case "s": {
        const text = String(value);
        return spec.precision < 0 ? text : slice(text, 0, spec.precision);
      }
      default:
        return fraction(spec, value);
    }
  };

  const pad = (spec, text) => {
    const room = spec.width - text.length - spec.sign.length;
    if (room <= 0) return spec.sign + text;
    if (spec.left) return spec.sign + text + repeat(" ", room);
    if (spec.zero) return spec.sign + repeat("0", room) + text;
    return repeat(" ", room) + spec.sign + text;
  };

  const isWhole = (code) =>
    code === "d" || code === "i" || radixes[code] !== undefined;

  const isText = (code) => code === "s" || code === "c";

  const show = (spec, value) => {
    if (isText(spec.code)) spec.zero = false;
    if (isWhole(spec.code) && spec.precision >= 0) spec.zero = false;
    const text = pad(spec, convert(spec, value));
    return indexOf("XEFGA", spec.code) >= 0 ? toUpper(text) : text;
  };

  /* ---- Formats ---- */

  const isDigit = (c) => c >= "0" && c <= "9";

  const sprintf = (format, args) => {
    const text = String(format);
    let used = 0;
    let out = "";
    let at = 0;
    const take = () => {
      if (used >= args.length) throw bad("too few arguments for the format");
      return args[used++];
    };
    /* A number, or "*": the next argument. */
    const count = () => {
      let number = 0;
      if (text[at] === "*") {
        at++;
        number = Number(take()) | 0;
      } else {
        while (at < text.length && isDigit(text[at])) {
          number = number * 10 + +text[at++];
          if (number > LARGEST) break;
        }
      }
      if (number > LARGEST || number < -LARGEST)
        throw new RangeError("printf: a field has at most 2 ** 20 characters");
      return number;
    };
    const flags = (spec) => {
      for (; at < text.length; at++) {
        if (text[at] === "-") spec.left = true;
        else if (text[at] === "0") spec.zero = true;
        else if (text[at] === "+") spec.plus = "+";
        else if (text[at] === "#") spec.alternate = true;
        else if (text[at] !== " ") return;
        else if (spec.plus === "") spec.plus = " ";
      }
    };
    const field = () => {
      const spec = { __proto__: null, left: false, zero: false, plus: "",
        alternate: false, width: 0, precision: -1, long: false, sign: "",
        code: "" };
      flags(spec);
      spec.width = count();
      if (spec.width < 0) {
        spec.left = true;
        spec.width = -spec.width;
      }
      if (text[at] === ".") {
        at++;
        spec.precision = count();
      }
      while (at < text.length && indexOf("hljztL", text[at]) >= 0)
        if (text[at++] !== "h") spec.long = true;
      spec.code = at < text.length ? text[at++] : "";
      if (spec.code === "%") return "%";
      if (spec.code === "" || indexOf("diuoxXcsfFeEgGaA", spec.code) < 0)
        throw bad("'%" + spec.code + "' is no conversion");
      return show(spec, take());
    };
    for (;;) {
      const next = indexOf(text, "%", at);
      if (next < 0) return out + slice(text, at);
      out += slice(text, at, next);
      at = next + 1;
      out += field();
    }
  };

  $.sprintf = sprintf;
})
