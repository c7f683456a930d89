# SPDX-License-Identifier: Apache-2.0
"""What the sensor may do: no more than it needs after its start, and it starts with no more than that."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import uuid

import sensor
import tap
from sensor import Sensor, written
from stack import need_root

NEEDED = ["bpf", "perfmon", "sys_ptrace", "dac_read_search"]
MASK = 1 << 39 | 1 << 38 | 1 << 19 | 1 << 2
ONLY = ["setpriv", "--bounding-set", "-all," + ",".join(f"+{name}" for name in NEEDED), "--inh-caps", "-all"]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
          *(part for kind in ("inh", "ambient") for part in (f"--{kind}-caps", ",".join(f"+{n}" for n in NEEDED)))]


class Started(Sensor):
    """A sensor that another program starts."""

    def __init__(self, wrapper, *arguments):
        super().__init__(*arguments)
        self.wrapper = wrapper


def rule(name, condition):
    return f"- {{rule: {name}, desc: d, condition: '{condition}', priority: WARNING, " \
           f"output: '{name} %user.name %proc.cmdline up=%proc.aname[1]'}}\n"


def status(process):
    """All threads' capabilities and no_new_privs, as one list of each."""
    found = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            name, _, value = line.partition(":\t")
            if name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                found.setdefault(name, set()).add(int(value, 16))
            if name == "NoNewPrivs":
                found.setdefault(name, set()).add(int(value))
    return found


def watch(wrapper, sees_start):
    """Starts it so; old and new processes are seen, a reload takes another call, the outputs write."""
    need_root()
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        program = shutil.copy(sensor.PROGRAM, folder)
        rules = written(folder, "r.yaml", rule("execs", f"evt.type = execve and proc.args contains {mark}"))
        os.mkfifo(f"{folder}/fifo")
        old = subprocess.Popen(["/bin/bash", "-c", f"read x < {folder}/fifo; /bin/true {mark}; true"])
        out = f"{folder}/alerts"
        before, sensor.PROGRAM = sensor.PROGRAM, program
        try:
            with Started(wrapper, "-r", rules, "-o", "watch_config_files=false", "-o", "file_output.enabled=true",
                         "-o", f"file_output.filename={out}") as running:
                tap.equal(status(running.process), {"CapInh": {0}, "CapPrm": {MASK}, "CapEff": {MASK},
                                                    "CapBnd": {sees_start}, "CapAmb": {0}, "NoNewPrivs": {1}})
                pathlib.Path(f"{folder}/fifo").write_text("go\n")
                old.wait(20)
                running.wait_for_lines(1)
                assert f"execs root true {mark} up=bash" in running.lines[0], running.lines
                written(folder, "r.yaml", rule("folders", f"evt.type in (mkdir, mkdirat) and proc.args contains {mark}"))
                running.process.send_signal(signal.SIGHUP)
                running.wait_for_log("watching with", 2)
                subprocess.run(["mkdir", f"{folder}/{mark}"], check=True)
                running.wait_for_lines(2)
                running.process.send_signal(signal.SIGUSR1)
                tap.wait_for("the file", lambda: len(pathlib.Path(out).read_text().splitlines()) == 2)
                tap.equal(running.stop(), 0)
            assert "folders root mkdir" in running.lines[1], running.lines
        finally:
            sensor.PROGRAM = before
            old.kill()
            old.wait()


def test_root_keeps_four_capabilities_and_gets_none_back():
    watch(["env"], MASK)


def test_four_capabilities_are_enough_for_root():
    watch(ONLY, MASK)


def test_four_capabilities_are_enough_for_nobody():
    # Without SETPCAP nobody's bounding set stays; no_new_privs makes it worth nothing.
    with open("/proc/self/status") as file:
        bounding = int(re.search(r"CapBnd:\t(\w+)", file.read())[1], 16)
    watch(NOBODY, bounding)


def test_sys_admin_stays_where_nothing_else_is_given():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", rule("execs", "evt.type = execve and proc.name = true"))
        admin = 1 << 21 | 1 << 19 | 1 << 2
        wrapper = ["setpriv", "--bounding-set", "-all,+sys_admin,+sys_ptrace,+dac_read_search", "--inh-caps", "-all"]
        with Started(wrapper, "-r", rules) as running:
            tap.equal(status(running.process)["CapEff"], {admin})
            assert any("CAP_SYS_ADMIN is kept" in line for line in running.log), running.log
            subprocess.run(["/bin/true"], check=True)
            running.wait_for_lines(1)


def test_what_is_missing_is_said():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", rule("execs", "evt.type = execve and proc.name = true"))
        done = subprocess.run(["setpriv", "--bounding-set", "-all,+sys_ptrace", "--inh-caps", "-all", sensor.PROGRAM,
                               "-r", rules], capture_output=True, text=True, timeout=60)
    assert done.returncode and "CAP_BPF" in done.stderr, done


def test_more_capabilities_can_be_kept():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", rule("execs", "evt.type = execve and proc.name = true"))
        with Sensor("-r", rules, "-o", "sensor.keep_capabilities=DAC_OVERRIDE") as running:
            tap.equal(status(running.process)["CapEff"], {MASK | 1 << 1})
    _, _, told = sensor.run("-r", "/dev/null", "-o", "sensor.keep_capabilities=FLY")
    assert '"FLY" is no capability' in told, told


def test_a_program_that_gets_alerts_keeps_its_rights():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", rule("execs", "evt.type = execve and proc.name = true"))
        with Sensor("-r", rules, "-o", "program_output.enabled=true", "-o",
                    f"program_output.program=grep CapEff /proc/self/status > {folder}/its; cat > {folder}/got") as running:
            tap.equal(status(running.process)["CapEff"], {MASK})
            subprocess.run(["/bin/true"], check=True)
            tap.wait_for("the program", lambda: os.path.exists(f"{folder}/got") and os.path.getsize(f"{folder}/got"))
        own = re.search(r"CapEff:\t(\w+)", pathlib.Path("/proc/self/status").read_text())[1]
        tap.equal(pathlib.Path(f"{folder}/its").read_text().split()[1], own)


if __name__ == "__main__":
    tap.main(globals())
