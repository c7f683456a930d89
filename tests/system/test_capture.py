# SPDX-License-Identifier: Apache-2.0
"""A rule with `capture: true` keeps a recording from its match on, and the recording replays."""
import glob
import json
import os
import subprocess
import tempfile

import tap
from sensor import Sensor, written
from stack import BUILD, need_root

TERCEL = str(BUILD / "tercel/tercel")

RULES = """
- rule: touched
  desc: d
  condition: evt.type in (open, openat) and fd.name startswith {folder}/touch
  output: "t=%evt.rawtime file=%fd.name cmd=%proc.cmdline parents=%proc.aname by=%user.name start=%proc.pid.ts"
  priority: WARNING
  capture: true
  capture_duration: 300
- rule: quiet
  desc: d
  condition: evt.type in (open, openat) and fd.name startswith {folder}/quiet
  output: "%fd.name"
  priority: NOTICE
"""


def settings(folder, *more):
    rules = written(folder, "rules.yaml", RULES.format(folder=folder))
    return ("-c", "/dev/null", "-r", rules, "-o", "stdout_output.enabled=true", "-o", "json_output=true",
            "-o", "time_format_iso_8601=true", "-o", "capture.enabled=true",
            "-o", f"capture.path_prefix={folder}/capture", *more)


def touch(path):
    # The shell stays the parent, and its own ancestors were there before the sensor was.
    subprocess.run(["sh", "-c", f"cat {path}; true"], stderr=subprocess.DEVNULL, check=True)


def captures(folder):
    return sorted(glob.glob(f"{folder}/capture_*.tercel"))


def replayed(folder, capture):
    done = subprocess.run([TERCEL, "replay", capture, "-r", f"{folder}/rules.yaml", "-o", "json_output=true"],
                          capture_output=True, text=True, timeout=60)
    tap.equal(done.returncode, 0, done.stderr)
    return [json.loads(line)["output_fields"] for line in done.stdout.splitlines()]


def test_a_capture_begins_with_the_record_that_matched_and_replays_to_the_same_alerts():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        with Sensor(*settings(folder)) as sensor:
            touch(f"{folder}/quiet")
            sensor.wait_for_lines(1)
            tap.equal(captures(folder), [], "a rule without capture keeps nothing")
            touch(f"{folder}/touch-1")
            touch(f"{folder}/touch-2")
            sensor.wait_for_log(" records\"", 1)
            live = [json.loads(line) for line in list(sensor.lines)]
            touch(f"{folder}/touch-3")
            sensor.wait_for_log(" records\"", 2)
            tap.equal(sensor.stop(), 0)
        files = captures(folder)
        tap.equal(len(files), 2, "\n".join(sensor.log))
        wanted = [alert["output_fields"] for alert in live if alert["rule"] == "touched"]
        seen = replayed(folder, files[0])
        tap.equal(seen[:len(wanted)], wanted)
        tap.equal(seen[0]["proc.cmdline"], f"cat {folder}/touch-1")
        assert os.stat(files[0]).st_mode & 0o077 == 0, "others can read it"


def test_with_mode_all_rules_every_match_keeps_one_and_the_end_of_the_sensor_ends_it():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        with Sensor(*settings(folder, "-o", "capture.mode=all_rules",
                              "-o", "capture.default_duration=3600000")) as sensor:
            touch(f"{folder}/quiet")
            sensor.wait_for_lines(1)
            sensor.wait_for_log("begins, rule \\\"quiet\\\" matched")
            tap.equal(sensor.stop(), 0)
        files = captures(folder)
        tap.equal(len(files), 1, "\n".join(sensor.log))
        tap.equal([fields["fd.name"] for fields in replayed(folder, files[0])], [f"{folder}/quiet"])


if __name__ == "__main__":
    tap.main(globals())
