# SPDX-License-Identifier: Apache-2.0
"""Ways around a sensor: each program in bypasses/ does its trick, and its rule must catch it.

A rules file there begins with what its alerts must say, one line an alert:
    # expect: FIELD=VALUE | FIELD=VALUE
{folder}, {secret}, {inode}, {sensor}, {programs} and {true} are put in. What a program prints as
"times N" is how many alerts with the first line's fields there must be at least."""
import json
import os
import pathlib
import re
import subprocess
import tempfile

import tap
from sensor import Sensor
from stack import need_root

HERE = pathlib.Path(__file__).parent / "bypasses"
SKIP = 77
NAMES = sorted(path.stem for path in HERE.glob("*.c"))


def compile_all(folder):
    for name in NAMES:
        subprocess.run(["cc", "-O1", "-pthread", "-D_GNU_SOURCE", "-Wall", "-Werror", "-o", f"{folder}/{name}", HERE / f"{name}.c"],
                       check=True)


class Place:
    """What a program works on, in a folder of its own."""

    def __init__(self, root, name):
        self.folder = os.path.join(root, name)
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        for file in ("secret", "decoy"):
            pathlib.Path(self.folder, file).write_text(file)
        self.values = {"folder": self.folder, "secret": self.folder + "/secret",
                       "inode": str(os.stat(self.folder + "/secret").st_ino), "programs": root + "/programs",
                       "true": os.path.realpath("/bin/true")}

    def fill(self, text, sensor):
        for key, value in {**self.values, "sensor": sensor}.items():
            text = text.replace("{" + key + "}", value)
        return text


def expectations(name, place, sensor):
    for line in (HERE / f"{name}.yaml").read_text().splitlines():
        if line.startswith("# expect: "):
            fields = (part.split("=", 1) for part in line.removeprefix("# expect: ").split(" | "))
            yield {key: place.fill(value, sensor).encode().decode("unicode_escape")
                   if "\\" in value else place.fill(value, sensor) for key, value in fields}


def text_of(value):
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def fits(alert, expected):
    return all(text_of(alert["output_fields"].get(key)) == value for key, value in expected.items())


class Suite:
    """All programs under one sensor: it starts once."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tercel-bypass-", dir="/tmp")
        root = self.folder.name
        os.chmod(root, 0o755)
        os.mkdir(root + "/programs")
        os.mkdir(root + "/rules")
        compile_all(root + "/programs")
        self.places = {name: Place(root, name) for name in NAMES}
        # The sensor's pid is a parent of the rules that name it: known before it starts.
        for name in NAMES:
            self.write_rule(name, "0")
        arguments = ["-r", root + "/rules", "-o", "json_output=true", "-o", "rule_matching=all"]
        self.sensor = Sensor(*arguments)
        self.sensor.__enter__()
        self.pid = str(self.sensor.process.pid)
        self.write_rule("18-blinding", self.pid)
        self.sensor.process.send_signal(1)
        self.sensor.wait_for_log("watching with", 2)

    def write_rule(self, name, sensor):
        text = (HERE / f"{name}.yaml").read_text()
        rule = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        pathlib.Path(self.folder.name, "rules", name + ".yaml").write_text(self.places[name].fill(rule, sensor) + "\n")

    def alerts(self, name):
        found = []
        for line in list(self.sensor.lines):
            if line.startswith("{") and f'"rule":"{name}"' in line:
                found.append(json.loads(line))
        return found

    def run(self, name):
        place = self.places[name]
        program = f"{self.folder.name}/programs/{name}"
        done = subprocess.run([program, place.folder, self.pid], cwd=place.folder, capture_output=True, text=True,
                              errors="replace", timeout=120)
        if done.returncode == SKIP:
            tap.skip("not possible on this machine: " + done.stdout.strip())
        tap.equal(done.returncode, 0, done.stdout + done.stderr)
        times = re.search(r"^times (\d+)$", done.stdout, re.M)
        for index, expected in enumerate(expectations(name, place, self.pid)):
            count = int(times[1]) if times and not index else 1
            try:
                tap.wait_for(f"{count} alerts with {expected}",
                             lambda: sum(fits(alert, expected) for alert in self.alerts(name)) >= count, 20)
            except AssertionError as why:
                got = [alert["output_fields"] for alert in self.alerts(name)]
                raise AssertionError(f"{why}\n{len(got)} alerts, the last: {got[-6:]}\n" +
                                     "\n".join(self.sensor.log[-3:])) from None

    def close(self):
        self.sensor.__exit__()
        self.folder.cleanup()


the_suite = []


def suite():
    need_root()
    if not the_suite:
        the_suite.append(Suite())
    return the_suite[0]


def test_of(name):
    return lambda: suite().run(name)


TESTS = {"test_" + re.sub(r"\W", "_", name): test_of(name) for name in NAMES}

if __name__ == "__main__":
    try:
        tap.main(TESTS)
    finally:
        for one in the_suite:
            one.close()
