# SPDX-License-Identifier: Apache-2.0
"""Attacks while the machine is flooded: each one alerts with its lineage, and what is shed is told.

TERCEL_FLOOD=full does it all: a thousand attacks, 100,000 short processes, a bomb up to the limit of pids."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid

import tap
from sensor import Sensor, written
from stack import BUILD, free_port, get, need_root

FULL = os.environ.get("TERCEL_FLOOD") == "full"
ATTACKS = 1000 if FULL else 100
SHORT = 100000 if FULL else 10000
BOMB = 30000 if FULL else 2000
FLOOD = str(BUILD / "tests/flood")
# What a process may take in the sensor's table, and what the sensor takes beside it.
PROCESS_KB, IDLE_KB = 4, 120000


def rules(folder):
    def rule(name, condition, number):
        return f"- rule: {name}\n  desc: d\n  condition: {condition}\n  priority: WARNING\n" \
               f"  output: \"n={number} {name} up=%proc.aname[1] upper=%proc.aname[2]\"\n"
    return written(folder, "r.yaml",
                   rule("dropped", f"evt.type = execve and proc.exepath = {folder}/dropped", "%proc.args")
                   + rule("shadow", "evt.type in (open, openat, openat2) and fd.name = /etc/shadow and "
                          "proc.name = cat and proc.pcmdline contains attack", "%proc.pcmdline")
                   # The kernel cannot know ancestors: all of this comes to the sensor.
                   + rule("bulk", f"evt.type = openat and fd.name = {folder}/bulk and proc.aname[3] = nobody", "0")
                   + rule("reverse", "evt.type in (dup, dup2, dup3) and evt.rawres = 0 and fd.type = ipv4 and "
                          "proc.name = flood", "0"))


@contextlib.contextmanager
def listener():
    """A port that takes connections and forgets them."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(512)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def opens(path="/etc/hostname", cpu=0):
    """One CPU opens a file that no rule asks for; prints how often."""
    flood = subprocess.Popen([FLOOD, "opens", str(cpu), path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield flood
        out, _ = flood.communicate(timeout=30)
        count, seconds = out.split()
        print(f"# {int(count) / float(seconds):,.0f} opens a second on one core, {count} in all", flush=True)
    finally:
        flood.kill()
        flood.wait()


def attack(folder, port, times):
    shutil.copy("/bin/true", f"{folder}/dropped")
    done = subprocess.run([FLOOD, "attack", str(times), folder, str(port)], capture_output=True, text=True, timeout=300)
    tap.equal(done.stdout, "0 failed\n", done.stderr)


def numbers(lines, name):
    """The numbers of the attacks that a rule told of."""
    found = [re.search(rf"n=(?:sh -c .* attack )?(\d+)\b.* {name} up=(\S+) upper=(\S+)", line)
             for line in lines if f" {name} " in line]
    assert all(found), [line for line in lines if f" {name} " in line][:3]
    return found


def check(lines, times):
    for name in ("dropped", "shadow"):
        found = numbers(lines, name)
        tap.equal(sorted(int(one[1]) for one in found), list(range(1, times + 1)), f"the attacks of {name}")
        lineage = {(one[2].rstrip(')"'), one[3].rstrip(')"')) for one in found}
        tap.equal(lineage, {("sh", "flood")}, f"the lineage of {name}")
    tap.equal(len(numbers(lines, "reverse")), times, "the reverse shells")


def test_every_attack_alerts_while_a_core_does_nothing_but_open():
    need_root()
    with tempfile.TemporaryDirectory() as folder, listener() as port:
        with Sensor("-r", rules(folder)) as sensor:
            with opens(written(folder, "bulk", "")):
                attack(folder, port, ATTACKS)
            sensor.wait_for_lines(3 * ATTACKS)
            tap.equal(sensor.stop(), 0)
        check(sensor.lines, ATTACKS)


def test_what_is_shed_is_told_by_class_and_by_rule_and_processes_keep_their_room():
    need_root()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, listener() as shell_port:
        with Sensor("-r", rules(folder), "-o", "json_output=true", "-o", "syscall_event_drops.actions=alert",
                    "-o", "webserver.enabled=true", "-o", f"webserver.listen_port={port}",
                    "-o", "webserver.prometheus_metrics_enabled=true", "-o", "metrics.enabled=true",
                    "-o", "sensor.ring_size=64MiB") as sensor:
            # Nobody reads: calls fill their seven eighths of the ring, processes have the last one.
            sensor.process.send_signal(signal.SIGSTOP)
            with opens(written(folder, "bulk", "")) as flood:
                def is_full():
                    return int(pathlib.Path(f"/proc/{flood.pid}/stat").read_text().rpartition(")")[2].split()[12]) > 200
                tap.wait_for("two seconds of opens", is_full)
                attack(folder, shell_port, 20)
            sensor.process.send_signal(signal.SIGCONT)

            def drop():
                alerts = [json.loads(line) for line in sensor.lines if line.startswith("{")]
                return next((a for a in alerts if a["rule"] == "Falco internal: syscall event drop"), None)
            fields = tap.wait_for("the alert of the loss", drop)["output_fields"]
            assert int(fields["n_drops_buffer_open_exit"]) > 0, fields
            assert int(fields["n_drops_buffer_proc_exit"]) == 0, fields
            assert int(fields["rules.shadow"]) > 0 and int(fields["rules.bulk"]) > 0, fields
            assert "rules.dropped" not in fields, fields

            def dropped():
                found = [json.loads(line)["output"] for line in list(sensor.lines) if '"rule":"dropped"' in line]
                return found if len(found) == 20 else None
            found = tap.wait_for("the attacks", dropped)
            tap.equal([re.search(r"n=(\d+) dropped up=(\S+) upper=(\S+)", one).groups() for one in found],
                      [(str(i), "sh", "flood") for i in range(1, 21)])

            def metric():
                text = get(f"http://127.0.0.1:{port}/metrics")
                return re.search(r'tercel_sensor_rule_lost_events_total\{rule_name="shadow"\} ([1-9]\d*)', text)
            tap.wait_for("the metric by rule", metric)
            tap.equal(sensor.stop(), 0)


def rss_kb(process):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])


def peak_kb(process):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])


def lineage_rule(folder, mark):
    return written(folder, "r.yaml", "- rule: marked\n  desc: d\n  priority: WARNING\n"
                   f"  condition: evt.type = execve and proc.name = true and proc.args startswith {mark}\n"
                   "  output: \"n=%proc.args up=%proc.aname[1] upper=%proc.aname[2]\"\n")


def run_marked(mark, count):
    """Numbered programs below a shell below a shell."""
    script = f"n=0; while [ $n -lt {count} ]; do n=$((n+1)); /bin/true {mark} $n; done"
    return subprocess.Popen(["/bin/bash", "-c", f"/bin/sh -c '{script}'; true"])


def check_marked(lines, mark, count):
    tap.equal([re.search(rf"n={mark} (\d+) up=(\S+) upper=(\S+)", line).groups() for line in lines if mark in line],
              [(str(i), "sh", "bash") for i in range(1, count + 1)])


def test_short_lived_processes_leave_nothing_behind():
    need_root()
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        with Sensor("-r", lineage_rule(folder, mark)) as sensor:
            before = rss_kb(sensor.process)
            marked = run_marked(mark, 50)
            subprocess.run([FLOOD, "forks", str(SHORT)], check=True, timeout=300)
            marked.wait(120)
            sensor.wait_for_lines(50)
            after = rss_kb(sensor.process)
            print(f"# {SHORT} processes: {before} KiB before, {after} after, {peak_kb(sensor.process)} at most", flush=True)
            assert after < IDLE_KB, f"{after} KiB after {SHORT} processes that ended"
            tap.equal(sensor.stop(), 0)
        check_marked(sensor.lines, mark, 50)
        assert not any("were lost" in line for line in sensor.log), sensor.log


@contextlib.contextmanager
def pids_group(limit):
    """A cgroup with at most so many processes, of whichever version; all in it end with it."""
    root = next((p for p in map(pathlib.Path, ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"))
                 if (p / "cgroup.procs").exists()), None)
    if not root:
        tap.skip("no cgroup of pids here")
    group = root / f"tercel-flood-{uuid.uuid4().hex}"
    group.mkdir()
    try:
        (group / "pids.max").write_text(str(limit))
        yield group
    finally:
        def is_empty():
            pids = (group / "cgroup.procs").read_text().split()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            return not pids
        tap.wait_for("the bomb to end", is_empty, 60)
        tap.wait_for("the cgroup to go", lambda: not group.exists() or not group.rmdir())


def test_a_fork_bomb_is_bounded_and_lineage_stays_right():
    need_root()
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        with Sensor("-r", lineage_rule(folder, mark)) as sensor, pids_group(BOMB) as group:
            bomb = subprocess.Popen(["/bin/sh", "-c", f"echo $$ > {group}/cgroup.procs; exec {FLOOD} bomb"],
                                    stdin=subprocess.PIPE)
            tap.wait_for("the bomb at its limit",
                         lambda: int((group / "pids.current").read_text()) > BOMB * 9 // 10, 120)
            marked = run_marked(mark, 20)
            marked.wait(120)
            sensor.wait_for_lines(20)
            peak = peak_kb(sensor.process)
            bomb.stdin.close()
            bomb.wait(120)
            run_marked(mark + "after", 5).wait(60)
            tap.wait_for("the alerts after it", lambda: sum(mark + "after" in line for line in sensor.lines) == 5, 60)
            print(f"# a bomb of {BOMB}: {peak} KiB at most", flush=True)
            assert peak < IDLE_KB + BOMB * PROCESS_KB, f"{peak} KiB for {BOMB} processes"
            tap.equal(sensor.stop(), 0)
        check_marked([line for line in sensor.lines if mark + "after" not in line], mark, 20)
        check_marked(sensor.lines, mark + "after", 5)


if __name__ == "__main__":
    tap.main(globals())
