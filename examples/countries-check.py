#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Computes the report of countries.mjs directly, by other means.

Usage: countries-check.py [DATA_FOLDER] [APPROVED_BY]
Prints JSON. The digest runs over UTF-16 code units, as JavaScript's does.
"""
import collections
import json
import sys


def fnv1a(text, value):
    raw = text.encode("utf-16-le")
    for i in range(0, len(raw), 2):
        unit = raw[i] | raw[i + 1] << 8
        value = ((value ^ unit) * 0x01000193) & 0xFFFFFFFF
    return value


def by_code(entry):
    return entry["code"].encode("utf-16-be")


def main():
    data = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/iso-codes/json"
    approved_by = sys.argv[2] if len(sys.argv) > 2 else None
    with open(f"{data}/iso_3166-1.json", encoding="utf-8") as file:
        countries = json.load(file)["3166-1"]
    with open(f"{data}/iso_3166-2.json", encoding="utf-8") as file:
        everything = json.load(file)["3166-2"]
    parts = collections.defaultdict(list)
    for entry in everything:
        parts[entry["code"].split("-")[0]].append(entry)
    value = 0x811C9DC5
    kinds = collections.Counter()
    largest = {"code": "", "count": 0}
    for country in sorted(countries, key=lambda c: c["alpha_2"]):
        code = country["alpha_2"]
        value = fnv1a(f"{code}|{country['name']}\n", value)
        for entry in sorted(parts[code], key=by_code):
            line = f"{entry['code']}|{entry['name']}|{entry['type']}\n"
            value = fnv1a(line, value)
            kinds[entry["type"]] += 1
        if len(parts[code]) > largest["count"]:
            largest = {"code": code, "count": len(parts[code])}
    print(json.dumps({
        "countries": len(countries),
        "subdivisions": sum(kinds.values()),
        "digest": f"{value:08x}",
        "largest": largest,
        "kinds": dict(sorted(kinds.items(),
                             key=lambda kv: kv[0].encode("utf-16-be"))),
        "applied": {c["alpha_2"]: 1 for c in countries},
        "approvedBy": approved_by,
    }, ensure_ascii=False))


if __name__ == "__main__":
    main()
