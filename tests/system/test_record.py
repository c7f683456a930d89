# SPDX-License-Identifier: Apache-2.0
"""Recordings of real activity in a real container: what is replayed is what happened."""
import json
import os
import signal
import subprocess
import tempfile

import runtimes
import tap
import test_containers as engines
from containers import Container, need_runc
from sensor import Sensor, written
from stack import BUILD, copy_programs, need_root

TERCEL = str(BUILD / "tercel/tercel")
NAME = "ab12cd34ef56" + "0" * 52

# Whatever an alert can say of process, user, container, file and time must survive.
RULES = """
- rule: program in container
  desc: d
  condition: evt.type in (execve, execveat) and container.id != host
  output: "n=%evt.num t=%evt.rawtime exe=%proc.exepath args=%proc.args user=%user.name group=%group.name parents=%proc.aname cwd=%proc.cwd tty=%proc.tty start=%proc.duration c=%container.id %container.name pid=%proc.pid/%proc.vpid"
  priority: NOTICE
- rule: secret read
  desc: d
  condition: evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.name endswith shadow and container.id != host
  output: "n=%evt.num file=%fd.name real=%fd.realname program=%proc.name by=%proc.pname in %container.id cmd=%proc.pcmdline"
  priority: WARNING
- rule: directory changed
  desc: d
  condition: evt.type = chdir and container.id != host
  output: "n=%evt.num cwd=%proc.cwd program=%proc.name"
  priority: NOTICE
"""


def run(*arguments, status=0):
    done = subprocess.run([TERCEL, *arguments], capture_output=True, text=True, timeout=120)
    tap.equal(done.returncode, status, done.stderr)
    return done


def act(box):
    box.shell("cat /etc/shadow", "ln -s /etc/shadow /tmp/link; cat /tmp/link", "cd /tmp; id", "ls; true")
    box.run("id")
    box.run("cat", "/etc/shadow")


def record(folder, rules):
    """A recording of a container's doings, and the alerts of the same sensor."""
    recording = os.path.join(folder, "box.rec")
    settings = ("-c", "/dev/null", "-r", rules, "-o", "stdout_output.enabled=true", "-o", "json_output=true",
                "-o", "time_format_iso_8601=true", "-o", f"sensor.record_file={recording}")
    with Container(NAME) as box:
        with Sensor(*settings) as sensor:
            act(box)
            tap.wait_for("the last alert", lambda: sum("secret read" in line for line in sensor.lines) >= 3)
            tap.equal(sensor.stop(), 0)
            tap.wait_for("the end of its output", lambda: any("records" in line for line in sensor.log))
    return recording, sensor.lines


def test_a_replay_gives_the_alerts_of_the_live_run_to_the_byte_every_time():
    need_runc()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "rules.yaml", RULES)
        recording, live = record(folder, rules)
        names = {json.loads(line)["rule"] for line in live}
        tap.equal(names, {"program in container", "secret read", "directory changed"})
        assert any('"user.name":"root"' in line and "ab12cd34ef56" in line for line in live), live[:3]
        first = run("replay", recording, "-r", rules, "--json").stdout
        second = run("replay", recording, "-r", rules, "--json").stdout
        tap.equal(first, second)
        tap.equal(first.splitlines(), live)
        tap.equal(os.stat(recording).st_mode & 0o777, 0o600)


def test_metadata_of_a_real_runtime_are_in_the_recording():
    runtimes.need("containerd", "ctr")
    with tempfile.TemporaryDirectory() as folder:
        recording = os.path.join(folder, "pods.rec")
        rules = written(folder, "rules.yaml", engines.EXECS)
        with runtimes.Containerd() as runtime, \
                engines.sensor(engines.EXECS, {"sensor": {"record_file": recording}, "time_format_iso_8601": True,
                                               "container_metadata": {"timeout": 1000}},
                               cri=runtime.socket) as live:
            pod = runtime.pod()
            for number in range(3):
                made = runtime.container(pod, "true", str(number), name=f"shop-{number}")
                engines.alert_of(live, made)
            tap.equal(live.stop(), 0)
        lines = run("replay", recording, "-r", rules, "--json", "-o", "append_output[].suggested_output=true").stdout.splitlines()
        assert any('"k8s.deployment.name":"shop"' in line and '"container.name":"shop-2"' in line for line in lines), lines
        # Live some alerts waited for metadata and others passed them.
        tap.equal(sorted(lines), sorted(live.lines))


def test_other_rules_run_over_a_recording_without_privileges():
    need_runc()
    with tempfile.TemporaryDirectory() as folder:
        recording, _ = record(folder, written(folder, "rules.yaml", RULES))
        for path, mode in ((folder, 0o755), (recording, 0o644)):
            os.chmod(path, mode)
        other = written(folder, "other.yaml", "- rule: id\n  desc: d\n  condition: evt.type = execve and proc.name = id\n"
                        "  output: \"id by %user.name under %proc.aname[2]\"\n  priority: INFO\n")
        tercel = copy_programs(os.path.join(folder, "build")) / "tercel/tercel"
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tercel, "replay", recording, "-r", other]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        tap.equal(done.returncode, 0, done.stderr)
        tap.equal(len(done.stdout.splitlines()), 1, done.stdout)
        assert "id by root under" in done.stdout, done.stdout


def test_record_keeps_what_the_rules_need_and_ends_by_itself():
    need_runc()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "rules.yaml", RULES)
        recording = os.path.join(folder, "out.rec")
        with Container(NAME) as box:
            process = subprocess.Popen([TERCEL, "record", "-w", recording, "-r", rules, "-M", "4"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            for line in process.stderr:
                if "watching with" in line:
                    break
            box.run("cat", "/etc/shadow")
            out, err = process.communicate(timeout=60)
        tap.equal((process.returncode, out), (0, ""), err)
        assert "secret read" in run("replay", recording, "-r", rules, "--json").stdout


def test_a_recording_goes_on_over_a_reload():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "rules.yaml", RULES)
        recording = os.path.join(folder, "r.rec")
        with Sensor("-c", "/dev/null", "-r", rules, "-o", f"sensor.record_file={recording}") as sensor:
            sensor.process.send_signal(signal.SIGHUP)
            sensor.wait_for_log("watching with", 2)
            tap.equal(sensor.stop(), 0)
        run("replay", recording, "-r", rules)
        tap.equal(os.listdir(folder).count("r.rec.1"), 0)


def test_what_is_no_recording_is_refused_in_one_line():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "rules.yaml", RULES)
        scap = os.path.join(folder, "x.scap")
        with open(scap, "wb") as file:
            file.write(b"\x0a\x0d\x0d\x0a" + bytes(100))
        for path, words in ((rules, "is no recording of tercel record"), (scap, "scap capture"),
                            ("/nowhere.rec", "No such file or directory"), (folder, "is no regular file")):
            err = run("replay", path, "-r", rules, status=1).stderr
            tap.equal(len(err.splitlines()), 1, err)
            assert words in err, err
        run("replay", "-r", rules, status=2)


if __name__ == "__main__":
    tap.main(globals())
