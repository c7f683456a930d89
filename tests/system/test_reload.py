# SPDX-License-Identifier: Apache-2.0
"""Reloads while events flow: none is missed, none comes twice, and what is known of processes stays."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import uuid

import tap
from sensor import Sensor, SensorWithTracefs, written
from stack import need_root

MARK = f"tercel-reload-{uuid.uuid4().hex}"


def rule(name, condition, output):
    return f"- rule: {name}\n  desc: d\n  condition: {condition}\n  output: \"{output}\"\n  priority: WARNING\n"


def execs(version):
    return rule("execs", f"evt.type = execve and proc.args startswith {MARK} and proc.name = true",
                f"v={version} n=%proc.args up=%proc.aname[1] upper=%proc.aname[2]")


def series(count):
    """A shell below a shell that runs /bin/true with numbered arguments, without end until its input ends."""
    script = f"n=0; while [ $n -lt {count} ]; do n=$((n+1)); /bin/true {MARK} $n; done"
    return subprocess.Popen(["/bin/bash", "-c", f"/bin/sh -c '{script}'; true"])


def numbers(lines):
    return [int(found[1]) for line in lines if (found := re.search(rf"n={MARK} (\d+)", line))]


def test_no_event_is_missed_or_doubled_across_reloads():
    need_root()
    count, reloads = 1500, 12
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", execs(0))
        with Sensor("-r", path, "-o", "watch_config_files=false") as sensor:
            running = series(count)
            for version in range(1, reloads + 1):
                written(folder, "r.yaml", execs(version))
                sensor.process.send_signal(signal.SIGHUP)
                sensor.wait_for_log("watching with", version + 1)
            running.wait(60)
            sensor.wait_for_lines(count)
            tap.equal(sensor.stop(), 0)
            assert not any("were lost" in line for line in sensor.log), sensor.log
        tap.equal(numbers(sensor.lines), list(range(1, count + 1)))
        versions = [int(re.search(r"v=(\d+)", line)[1]) for line in sensor.lines]
        tap.equal(versions, sorted(versions), "the versions that fired")
        assert len(set(versions)) > 2, f"only {set(versions)} fired"
        assert all(" up=sh upper=bash" in line for line in sensor.lines), sensor.lines[-1]


def test_the_hook_changes_while_events_flow():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", rule("opens", f"evt.type = openat and fd.name startswith {folder}/n", "n=%evt.arg.name"))

        def settings(attach):
            return written(folder, "c.yaml", f"rules_files: [{rules}]\nsensor: {{attach: {attach}}}\n"
                           "stdout_output: {enabled: true}\nwatch_config_files: false\n")

        def opens(names):
            for name in names:
                subprocess.run(["cat", f"{folder}/n{name}"], stderr=subprocess.DEVNULL, check=False)
        with SensorWithTracefs("-c", settings("raw")) as sensor:
            opens(range(5))
            settings("syscalls")
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with", 2)
            if any("raw it is" in line for line in sensor.log):
                tap.skip("no tracepoints of calls here")
            opens(range(5, 10))
            settings("auto")
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with", 3)
            opens(range(10, 15))
            tap.wait_for("the last open", lambda: any(f"{folder}/n14" in line for line in sensor.lines), 60)
            tap.equal(sensor.stop(), 0)
        # The sensor may speak of itself between them.
        found = [re.search(r"n=\S*/n(\d+)", line) for line in sensor.lines]
        tap.equal([int(one[1]) for one in found if one], list(range(15)), "\n".join(sensor.lines[-3:] + sensor.log))
        assert sum('at the hook' in line and 'syscalls' in line for line in sensor.log) == 1, sensor.log


def test_a_wrong_file_keeps_the_rules_and_says_so():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", execs(0))
        with Sensor("-r", path, "-o", "json_output=true", "-o", "watch_config_files=false") as sensor:
            written(folder, "r.yaml", rule("execs", "no.such = field", "x"))
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("the rules of before stay")
            sensor.wait_for_lines(1)
            told = json.loads(sensor.lines[0])
            tap.equal((told["priority"], told["rule"], told["source"]),
                      ("Critical", "Falco internal: hot restart failure", "internal"))
            assert told["output"].startswith("Falco internal: hot restart failure: ") and "no.such" in told["output"]
            tap.equal(list(told), ["hostname", "output", "output_fields", "priority", "rule", "source", "time"])
            series(1).wait(20)
            sensor.wait_for_lines(2)
            tap.equal(sensor.stop(), 0)
        assert "v=0" in sensor.lines[1], sensor.lines


def test_a_rule_that_needs_another_call_sees_it_from_then_on():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / MARK
        path = written(folder, "r.yaml", execs(0))
        with Sensor("-r", path, "-o", "watch_config_files=false") as sensor:
            made.mkdir()
            written(folder, "r.yaml", execs(1) + rule("dirs", f"evt.type in (mkdir, mkdirat) and evt.arg.path contains {MARK}",
                                                     "made %evt.arg.path"))
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with 2 rules")
            made.rmdir()
            made.mkdir()
            series(1).wait(20)
            sensor.wait_for_lines(2)
            written(folder, "r.yaml", execs(2))
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with 1 rules", 2)
            made.rmdir()
            made.mkdir()
            series(1).wait(20)
            sensor.wait_for_lines(3)
            tap.equal(sensor.stop(), 0)
        found = [re.search(r"made |v=\d", line)[0] for line in sensor.lines]
        tap.equal(found, ["made ", "v=1", "v=2"])


def test_changes_of_files_are_seen():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules.d"
        rules.mkdir()
        written(rules, "a.yaml", execs(0))
        settings = written(folder, "falco.yaml", f"rules_files: [{rules}]\nstdout_output: {{enabled: true}}\n")
        with Sensor("-c", settings) as sensor:
            def expect(version, count):
                sensor.wait_for_log("watching with", count)
                series(1).wait(20)
                sensor.wait_for_lines(count - 1)
                assert f"v={version}" in sensor.lines[-1], sensor.lines

            written(rules, "a.yaml", execs(1))  # written in place
            expect(1, 2)
            written(folder, "new", execs(2))
            os.rename(f"{folder}/new", rules / "a.yaml")  # replaced
            expect(2, 3)
            written(rules, "b.yaml", "- rule: execs\n  output: v=3 n=%proc.args\n  override: {output: replace}\n")  # added
            expect(3, 4)
            (rules / "b.yaml").unlink()  # removed
            expect(2, 5)
            written(folder, "falco.yaml", f"rules_files: [{rules}]\nstdout_output: {{enabled: true}}\n"
                    "append_output: [{extra_output: v=9}]\n")  # the settings themselves
            expect(9, 6)
            tap.equal(sensor.stop(), 0)


def test_settings_that_are_a_device_are_not_watched():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", execs(0))
        with Sensor("-c", "/dev/null", "-r", path, "-o", "stdout_output.enabled=true") as sensor:
            for _ in range(20):
                pathlib.Path("/dev/null").write_text("everybody writes here")
            written(folder, "r.yaml", execs(1))
            sensor.wait_for_log("watching with", 2)
            series(1).wait(20)
            sensor.wait_for_lines(1)
            tap.equal(sensor.stop(), 0)
        tap.equal(sum("watching with" in line for line in sensor.log), 2, "\n".join(sensor.log))


def test_a_configmap_that_is_swapped_is_seen():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        mount = pathlib.Path(folder)

        def publish(version):
            (mount / f"..{version}").mkdir()
            written(mount / f"..{version}", "rules.yaml", execs(version))
            os.symlink(f"..{version}", mount / "..data_tmp")
            os.rename(mount / "..data_tmp", mount / "..data")

        publish(1)
        os.symlink("..data/rules.yaml", mount / "rules.yaml")
        with Sensor("-r", str(mount / "rules.yaml")) as sensor:
            for version in (2, 3):
                publish(version)
                sensor.wait_for_log("watching with", version)
                series(1).wait(20)
                sensor.wait_for_lines(version - 1)
                assert f"v={version}" in sensor.lines[-1], sensor.lines
            tap.equal(sensor.stop(), 0)


def test_settings_change_too_and_what_cannot_is_named():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", execs(0))
        text = f"rules_files: [{path}]\nstdout_output: {{enabled: true}}\nwatch_config_files: false\n"
        settings = written(folder, "falco.yaml", text)
        alerts = pathlib.Path(folder) / "alerts"
        with Sensor("-c", settings) as sensor:
            written(folder, "falco.yaml", text + "json_output: true\nsensor: {ring_size: 16MiB}\n"
                    f"file_output: {{enabled: true, filename: {alerts}}}\n")
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with", 2)
            series(1).wait(20)
            sensor.wait_for_lines(1)
            tap.wait_for("the alert in the file", lambda: alerts.exists() and alerts.read_text().count("\n") == 1)
            tap.equal(json.loads(sensor.lines[0])["rule"], "execs")
            tap.equal(alerts.read_text().strip(), sensor.lines[0])
            assert any("sensor.ring_size=" in line and "cannot be changed" in line for line in sensor.log), sensor.log
            written(folder, "falco.yaml", text)
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with", 3)
            series(1).wait(20)
            sensor.wait_for_lines(2)
            assert "v=0" in sensor.lines[1] and not sensor.lines[1].startswith("{"), sensor.lines
            tap.equal(alerts.read_text().count("\n"), 1)
            tap.equal(sensor.stop(), 0)


if __name__ == "__main__":
    tap.main(globals())
