#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: full timeout=120
"""Local time around every change of the clocks, against Python's zoneinfo.

Each change of last year, this one and the next is looked at half hour by half
hour, from a day and a half before to as long after: from UTC to local time,
and from local time to UTC by each way that there is. Of a local time that
comes twice the first is meant; one that is skipped is taken by the offset
before the change, as ECMAScript says and as fold=0 means in Python."""

import datetime
import json
import os
import subprocess
import tempfile
import unittest
import zoneinfo

TORPOR = os.environ.get("TORPOR", "build/torpor")
NODE = os.environ.get("TORPOR_NODE")
FULL = os.environ.get("TORPOR_TIER") == "full"

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
         "Africa/Casablanca", "America/Santiago", "Asia/Kolkata",
         "Pacific/Apia", "Europe/Dublin", "Asia/Kathmandu",
         "America/St_Johns", "Pacific/Chatham", "UTC"]

# Changes that are like no other: (zone, its moment as far as known)
UNUSUAL = [("Pacific/Apia", (2011, 12, 30)),      # a day was skipped
           ("Pacific/Kwajalein", (1993, 8, 21)),  # likewise
           ("America/New_York", (1966, 10, 30)),  # before 1970
           ("Europe/London", (1941, 5, 4)),       # double summer time
           ("Asia/Pyongyang", (2018, 5, 4)),      # half an hour, for good
           ("America/Caracas", (2016, 5, 1))]

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
HALF_HOUR = datetime.timedelta(minutes=30)
AROUND = 72  # half hours

# Prints how a moment is told, and what each way to name a local time gives.
PROGRAM = """
const pad = (n, width = 2) => String(n).padStart(width, "0");
for (const ms of MOMENTS) {
  const d = new Date(ms);
  console.log(d.getFullYear(), d.getMonth() + 1, d.getDate(), d.getHours(),
              d.getMinutes(), d.getSeconds(), 0 - d.getTimezoneOffset(),
              d.getDay() % 7, d.toString().slice(28, 33));
}
for (const [y, m, d, h, min, noon] of LOCAL) {
  const text = `${pad(y, 4)}-${pad(m)}-${pad(d)}T${pad(h)}:${pad(min)}`;
  const set = new Date(y, m - 1, d, 12);
  if (noon) set.setHours(h, min, 0, 0);
  else set.setTime(new Date(y, m - 1, d, h, min));
  const full = new Date(2000, 0, 1, h, min);
  full.setFullYear(y, m - 1, d);
  const spoken = new Date(`${m}/${d}/${y} ${h}:${min}`);
  console.log(new Date(y, m - 1, d, h, min).getTime(), Date.parse(text),
              set.getTime(), full.getTime(), spoken.getTime());
}
"""


def ms_of(moment):
    return round((moment - EPOCH) / datetime.timedelta(milliseconds=1))


def find_changes(zone, first, last):
    """The moments between 'first' and 'last' at which the offset changes."""
    found = []
    hour = datetime.timedelta(hours=1)
    at = first
    while at < last:
        low, high = at, at + 24 * hour
        if low.astimezone(zone).utcoffset() != \
                high.astimezone(zone).utcoffset():
            while high - low > datetime.timedelta(seconds=1):
                middle = low + (high - low) / 2
                if middle.astimezone(zone).utcoffset() == \
                        low.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            found.append(high.replace(microsecond=0))
        at += 24 * hour
    return found


def of_these_years(zone):
    year = datetime.datetime.now().year
    return find_changes(zone, datetime.datetime(year - 1, 1, 1, tzinfo=UTC),
                        datetime.datetime(year + 2, 1, 1, tzinfo=UTC))


def moments_around(change):
    """Half hours, and the last and first millisecond."""
    tick = datetime.timedelta(milliseconds=1)
    return [change + i * HALF_HOUR for i in range(-AROUND, AROUND)] + \
        [change - tick, change + tick]


def locals_around(change, zone):
    near = change.astimezone(zone).replace(tzinfo=None, second=0)
    near -= datetime.timedelta(minutes=near.minute % 30)
    return [near + i * HALF_HOUR for i in range(-AROUND, AROUND)]


def told(moment, zone):
    local = moment.astimezone(zone)
    minutes = round(local.utcoffset() / datetime.timedelta(minutes=1))
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return (f"{local.year} {local.month} {local.day} {local.hour} "
            f"{local.minute} {local.second} {minutes} "
            f"{local.isoweekday() % 7} {sign}{size // 60:02}{size % 60:02}")


class Zones(unittest.TestCase):
    def run_program(self, command, name, moments, places):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "zones.js")
            with open(path, "w") as file:
                file.write(f"const MOMENTS = {json.dumps(moments)};\n"
                           f"const LOCAL = {json.dumps(places)};\n{PROGRAM}")
            done = subprocess.run([command, path], text=True, check=True,
                                  capture_output=True,
                                  env={**os.environ, "TZ": name})
        return done.stdout.splitlines()

    def check(self, name, changes, command=TORPOR):
        zone = zoneinfo.ZoneInfo(name)
        moments = [m for change in changes for m in moments_around(change)]
        local = [at for change in changes for at in locals_around(change, zone)]
        # Noon is never skipped, but where a whole day was.
        places = [(at.year, at.month, at.day, at.hour, at.minute,
                   at.replace(hour=12, minute=0, tzinfo=zone) ==
                   at.replace(hour=12, minute=0, tzinfo=zone)
                   .astimezone(UTC).astimezone(zone)) for at in local]
        lines = self.run_program(command, name, [ms_of(m) for m in moments],
                                 places)
        self.assertEqual(len(lines), len(moments) + len(local))
        for moment, line in zip(moments, lines):
            self.assertEqual(line, told(moment, zone), f"{moment} in {name}")
        for at, line in zip(local, lines[len(moments):]):
            expected = str(ms_of(at.replace(tzinfo=zone, fold=0)
                                 .astimezone(UTC)))
            self.assertEqual(line.split(), 5 * [expected], f"{at} in {name}")
        return len(changes)

    def test_these_years(self):
        seen = 0
        names = ZONES
        if FULL:
            names = sorted(zoneinfo.available_timezones() - {"localtime"})
        for name in names:
            seen += self.check(name, of_these_years(zoneinfo.ZoneInfo(name)))
        self.assertGreater(seen, 20)

    @unittest.skipIf(NODE is None, "there is no Node")
    def test_node_agrees(self):
        """That this is what ECMAScript says; of a year that is known."""
        for name in ZONES[:5]:
            zone = zoneinfo.ZoneInfo(name)
            changes = find_changes(zone, datetime.datetime(2023, 1, 1,
                                                           tzinfo=UTC),
                                   datetime.datetime(2024, 1, 1, tzinfo=UTC))
            self.check(name, changes, NODE)
            self.check(name, changes)

    def test_unusual_changes(self):
        for name, day in UNUSUAL:
            at = datetime.datetime(*day, tzinfo=UTC)
            days = datetime.timedelta(days=3)
            changes = find_changes(zoneinfo.ZoneInfo(name), at - days,
                                   at + days)
            self.assertEqual(len(changes), 1, name)
            self.check(name, changes)

    def test_ends_of_time(self):
        """Where an hour more or less is no time any more."""
        for name in ["America/New_York", "Asia/Kolkata", "Pacific/Apia"]:
            text = self.run_program(TORPOR, name, [8.64e15, -8.64e15], [])
            self.assertEqual(len(text), 2)
            with tempfile.NamedTemporaryFile("w", suffix=".js") as file:
                file.write("""
                    for (const end of [8.64e15, -8.64e15]) {
                      const d = new Date(end);
                      const same = new Date(d.getFullYear(), d.getMonth(),
                        d.getDate(), d.getHours(), d.getMinutes());
                      const beyond = new Date(d.getFullYear(), d.getMonth(),
                        d.getDate(), d.getHours(), Math.sign(end) +
                        d.getMinutes());
                      console.log(same.getTime() === end, beyond.getTime(),
                        new Date(d.getFullYear() + Math.sign(end), 0)
                        .getTime());
                    }""")
                file.flush()
                done = subprocess.run([TORPOR, file.name], text=True,
                                      check=True, capture_output=True,
                                      env={**os.environ, "TZ": name})
            self.assertEqual(done.stdout, 2 * "true NaN NaN\n", name)


if __name__ == "__main__":
    unittest.main()
