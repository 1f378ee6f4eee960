// Typed arrays, views that share a buffer, resizing and transfer.
// expect: Uint8Array(3) [ 1, 2, 44 ] Uint8ClampedArray(3) [ 255, 0, 2 ] 0.3333333333333333 BigInt64Array(1) [ -1n ]
// expect: Uint8Array(3) [ 1, 2, 3 ] Float32Array(2) [ 1, 1.5 ] 0102 Uint8Array(2) [ 1, 2 ]
// expect: RangeError
// expect: Uint8Array(8) [ 63, 192, 0, 0, 254, 255, 0, 0 ] Int16Array(2) [ -2, 0 ] 3fc00000
// expect: 12 2 12 true
// expect: true 0 255 false
const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
const bytes = new Uint8Array(buffer), view = new DataView(buffer), tail = new Int16Array(buffer, 4, 2);
view.setFloat32(0, 1.5); view.setInt16(4, -2, true);
setTimeout(() => console.log(bytes, tail, view.getUint32(0).toString(16)), 5);
setTimeout(() => { buffer.resize(12); bytes[11] = 255; console.log(bytes.length, tail.length, view.byteLength, buffer.resizable); }, 10);
setTimeout(() => { const moved = buffer.transferToFixedLength(); console.log(buffer.detached, bytes.length, new Uint8Array(moved)[11], moved.resizable); }, 15);
console.log(Uint8Array.from([1, 2, 300]), new Uint8ClampedArray([300, -5, 1.5]), new Float64Array([1 / 3])[0], new BigInt64Array([-1n]));
console.log(new Uint8Array([3, 1, 2]).toSorted(), new Float32Array([1, 2, 3]).subarray(1).map((x) => x / 2), new Uint8Array([1, 2]).toHex(), Uint8Array.fromBase64("AQI="));
try { new Uint32Array(new ArrayBuffer(3)); } catch (error) { console.log(error.name); }
