# SPDX-License-Identifier: Apache-2.0
"""A rule with `capture: true` keeps a recording from its match on, and the recording replays."""
import glob
import json
import os
import subprocess
import tempfile

import tap
from containers import Container, need_runc
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
  capture_duration: 3000
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


TWO = """
- rule: secret read
  desc: d
  condition: evt.type in (open, openat) and fd.name = /etc/shadow and container.id != host
  output: "file=%fd.name by=%proc.name in=%container.id stdin=%proc.stdin.type threads=%proc.nthreads home=%user.homedir"
  priority: WARNING
  capture: true
  capture_duration: 3600000
- rule: id run
  desc: d
  condition: evt.type = execve and evt.arg.res = 0 and proc.name = id and container.id != host
  output: "cmd=%proc.cmdline parents=%proc.aname in=%container.id"
  priority: NOTICE
  capture: true
  capture_duration: 3600000
- rule: copied
  desc: d
  condition: evt.type = execve and evt.arg.res = 0 and proc.name = cp and container.id != host
  output: "cmd=%proc.cmdline in=%container.id"
  priority: NOTICE
"""
BOX = "ca12cd34ef56" + "0" * 52


def all_replayed(folder, capture):
    done = subprocess.run([TERCEL, "replay", capture, "-r", f"{folder}/rules.yaml", "-o", "json_output=true"],
                          capture_output=True, text=True, timeout=60)
    tap.equal(done.returncode, 0, done.stderr)
    return [(alert["rule"], alert["output_fields"]) for alert in map(json.loads, done.stdout.splitlines())]


def test_a_container_fills_two_captures_side_by_side_beside_a_recording_of_all():
    need_runc()
    with tempfile.TemporaryDirectory() as folder:
        arguments = settings(folder, "-o", f"sensor.record_file={folder}/all.rec")
        written(folder, "rules.yaml", TWO)
        with Container(BOX) as box, Sensor(*arguments) as sensor:
            box.run("cat", "/etc/shadow")
            sensor.wait_for_log('begins, rule \\"secret read\\" matched')
            box.run("sh", "-c", "/bin/id; true")
            sensor.wait_for_log('begins, rule \\"id run\\" matched')
            box.run("cp", "/etc/passwd", "/tmp/copy")
            box.run("cat", "/etc/shadow")
            tap.wait_for("the second read", lambda: sum("secret read" in line for line in list(sensor.lines)) == 2, 60)
            tap.equal(sensor.stop(), 0)
            tap.wait_for("the ends", lambda: sum(" records" in line for line in sensor.log) == 3, 30)
        live = [(alert["rule"], alert["output_fields"]) for alert in map(json.loads, sensor.lines)]
        tap.equal([rule for rule, _ in live], ["secret read", "id run", "copied", "secret read"])
        assert all(fields.get("container.id", BOX[:12]) == BOX[:12] for _, fields in live), live
        tap.equal(len(captures(folder)), 2, "\n".join(sensor.log))
        # Each begins at its match and goes on to the end; the recording has all of it.
        tap.equal(all_replayed(folder, captures(folder)[0]), live)
        tap.equal(all_replayed(folder, captures(folder)[1]), live[1:])
        tap.equal(all_replayed(folder, f"{folder}/all.rec"), live)


def test_rules_that_match_the_same_event_share_a_capture_and_there_are_at_most_eight():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        text = "".join(
            f"- {{rule: r{number}, desc: d, condition: \"evt.type in (open, openat) and fd.name in ({folder}/t{number},"
            f" {folder}/all)\", output: \"%fd.name\", priority: INFO, capture: true, capture_duration: 3600000}}\n"
            for number in range(10))
        arguments = settings(folder, "-o", "rule_matching=all")
        written(folder, "rules.yaml", text)
        with Sensor(*arguments) as sensor:
            touch(f"{folder}/all")
            sensor.wait_for_lines(10)
            for number in range(10):
                touch(f"{folder}/t{number}")
            sensor.wait_for_lines(20)
            sensor.wait_for_log("8 run already")
            tap.equal(sensor.stop(), 0)
        files = captures(folder)
        # r0 began with the event that all matched.
        tap.equal(len(files), 8, "\n".join(sensor.log))
        seen = [fields["fd.name"] for _, fields in all_replayed(folder, files[0])]
        assert {f"{folder}/t{number}" for number in range(10)} <= set(seen), seen


if __name__ == "__main__":
    tap.main(globals())
