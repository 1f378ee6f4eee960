// SPDX-License-Identifier: MIT
//
// objects.sleep.js - objects of all classes live on, with what joins them.

globalThis.url = new URL("http://bücher.example/?a=1&b=2#h");
globalThis.params = url.searchParams;
globalThis.iterator = params.entries();
same(iterator.next().value, ["a", "1"]);
globalThis.alone = new URLSearchParams({ x: "y" });
globalThis.pattern = new URLPattern({ pathname: "/:id(\\d+)" });
globalThis.orphan = new URL("http://gone/?k=v").searchParams;
class Mine extends URL {
  twice() {
    return this.host + this.host;
  }
}
globalThis.mine = new Mine("http://me");
globalThis.waiting = (async () => {
  const local = new URL("x", "http://base/");
  await new Promise((resolve) => globalThis.wake = resolve);
  return local.href;
})();

//// sleep

check(url.searchParams === params && params instanceof URLSearchParams);
params.append("c", "3");
same(url.href, "http://xn--bcher-kva.example/?a=1&b=2&c=3#h");
same([...iterator], [["b", "2"], ["c", "3"]]);
same(alone.toString(), "x=y");
same(pattern.exec({ pathname: "/12" }).pathname.groups, { id: "12" });
check(!pattern.test({ pathname: "/x" }));
orphan.set("k", "w");
same(orphan.toString(), "k=w");
same(mine.twice(), "meme");
same(new URL("http://größe.example").host, "xn--gre-6ka8i.example");
same(new URLPattern({ hash: ":a(b+)" }).test({ hash: "bb" }), true);
throws(() => new URL("nope"), "TypeError");
wake();
waiting.then((href) => same(href, "http://base/x"));
