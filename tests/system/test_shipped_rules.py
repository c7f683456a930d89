# SPDX-License-Identifier: Apache-2.0
"""The rules that we ship on real actions: each must alert, in a real container or on this host."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid

import tap
from containers import Container, need_runc
from sensor import Sensor
from stack import SOURCE, need_root

# Rule, what is done in the container, and a text that the alert must contain.
IN_CONTAINER = [
    ("Release agent written from container", "mkdir -p /tmp/c && echo /x > /tmp/c/release_agent", "file=/tmp/c/release_agent"),
    ("Kernel handler changed from container", "echo x > /tmp/core_pattern", "file=/tmp/core_pattern"),
    ("Root of another process used in container", "cat /proc/self/root/etc/hostname-of-nobody /proc/self/root/etc/passwd",
     "file=/proc/self/root/etc/passwd"),
    ("Read sensitive file untrusted", "ln -s /etc/shadow /tmp/innocent && cat /tmp/innocent", "view=real"),
    ("Link to sensitive file made", "ln -s /etc/shadow /tmp/link", "link=/tmp/link to=/etc/shadow"),
    ("Service account token read by a tool",
     "mkdir -p /run/secrets/kubernetes.io/serviceaccount && echo t > /run/secrets/kubernetes.io/serviceaccount/token "
     "&& cat /run/secrets/kubernetes.io/serviceaccount/token", "serviceaccount/token"),
    ("Write below etc", "echo x > /etc/new.conf", "file=/etc/new.conf"),
    ("Program directory written in container", "cp /bin/busybox /bin/tool", "file=/bin/tool"),
    ("Create files below dev", "echo x > /dev/hidden", "file=/dev/hidden"),
    ("Setuid bit set in container", "cp /bin/busybox /tmp/tool && chmod u+s /tmp/tool", "S_ISUID"),
    ("Netcat Remote Code Execution in Container", "nc -w 1 127.0.0.1 9 -e /bin/true", "-e /bin/true"),
    ("Launch Suspicious Network Tool in Container", "nc -w 1 127.0.0.1 9", "127.0.0.1 9"),
    # The listener's side of netcat puts the connection onto the program's standard streams.
    ("Network socket on standard stream in container",
     "(nc -l -p 4444 -e /bin/true &); until echo hello | nc -w 1 127.0.0.1 4444; do :; done", "127.0.0.1:4444"),
    ("Contact K8S API Server From Container",
     "(nc -l -p 6443 > /dev/null &); export KUBERNETES_SERVICE_HOST=127.0.0.1; "
     "until echo x | nc -w 1 127.0.0.1 6443; do :; done",
     "127.0.0.1:6443"),
    ("Host disk opened in container", "touch /dev/sdx 2>/dev/null; head -c 1 /dev/sdx", "file=/dev/sdx"),
]


def alerts_of(sensor, name):
    return [alert for alert in map(json.loads, filter(lambda line: line.startswith("{"), sensor.lines))
            if alert["output_fields"].get("container.id") == name]


def shipped():
    return Sensor("-o", "stdout_output.enabled=true", "-o", "json_output=true", "-o", "rule_matching=all",
                  "-o", "append_output[].suggested_output=true")


def wait_for(sensor, rule, container, text):
    tap.wait_for(f"\"{rule}\" with {text}", lambda: any(
        alert["rule"] == rule and text in alert["output"] for alert in alerts_of(sensor, container)), 10)


def test_each_rule_alerts_on_the_real_thing_in_a_container():
    need_root()
    need_runc()
    name = uuid.uuid4().hex
    missing = []
    with shipped() as sensor, Container(name) as box:
        box.shell("echo hello")
        wait_for(sensor, "Terminal shell in container", name[:12], "terminal=")
        for rule, command, text in IN_CONTAINER:
            box.run("sh", "-c", command)
            try:
                wait_for(sensor, rule, name[:12], text)
            except AssertionError as why:
                missing.append(f"{why}; there were {[a['output'] for a in alerts_of(sensor, name[:12])][-3:]}")
    assert not missing, "\n".join(missing)


def test_a_quiet_container_makes_no_alert():
    need_root()
    need_runc()
    name = uuid.uuid4().hex
    with shipped() as sensor, Container(name) as box:
        box.run("sh", "-c", "ls -la / > /tmp/list; cat /etc/passwd; id; echo x > /dev/null; mkdir -p /tmp/a/b")
        # What was reported comes in order: this one is after all that could have been.
        box.run("sh", "-c", "echo x > /etc/last")
        wait_for(sensor, "Write below etc", name[:12], "file=/etc/last")
        tap.equal([alert["rule"] for alert in alerts_of(sensor, name[:12])], ["Write below etc"])


def run_from_memory():
    fd = os.memfd_create("nothing")
    with open(shutil.which("true"), "rb") as program:
        os.write(fd, program.read())
    child = os.fork()
    if child == 0:
        os.execve(f"/proc/self/fd/{fd}", ["nothing"], {})
    os.waitpid(child, 0)
    os.close(fd)


def attach_to_another():
    libc = ctypes.CDLL(None, use_errno=True)
    with subprocess.Popen(["sleep", "60"]) as target:
        done = libc.ptrace(16, target.pid, None, None)  # PTRACE_ATTACH
        if done == 0:
            os.waitpid(target.pid, 0)
            libc.ptrace(17, target.pid, None, None)  # PTRACE_DETACH
        target.send_signal(signal.SIGKILL)
    assert done == 0, os.strerror(ctypes.get_errno())


def read_by_hard_link():
    with tempfile.TemporaryDirectory(dir="/etc") as folder:
        os.link("/etc/shadow", f"{folder}/link")


def test_rules_for_the_host_alert_on_the_real_thing():
    need_root()
    with shipped() as sensor:
        for rule, act, text in (("Program run from memory", run_from_memory, "exe=memfd:nothing"),
                                ("Process taken over by ptrace", attach_to_another, "PTRACE_ATTACH"),
                                ("Link to sensitive file made", read_by_hard_link, "to=/etc/shadow"),
                                ("Read sensitive file untrusted", lambda: open("/etc/../etc/shadow", "rb").close(),
                                 "file=/etc/shadow")):
            thread = threading.Thread(target=act)
            thread.start()
            thread.join()
            wait_for(sensor, rule, "host", text)


def test_falcos_official_files_load_together_without_a_warning_and_alert():
    need_root()
    need_runc()
    folder = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared")) / "data/rules"
    files = [folder / name for name in ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")]
    if not all(file.exists() for file in files):
        tap.skip("no ../shared/data/rules")
    name = uuid.uuid4().hex
    arguments = [argument for file in files for argument in ("-r", str(file))]
    with Sensor(*arguments, "-o", "stdout_output.enabled=true", "-o", "json_output=true", "-o", "rule_matching=all",
                "-o", "append_output[].suggested_output=true") as sensor, Container(name) as box:
        told = "\n".join(sensor.log)
        assert "LOAD_" not in told, told
        tap.equal(told.count("| schema validation: ok"), 3, told)
        assert "watching with 93 rules" in told, told
        box.shell("echo hello")
        wait_for(sensor, "Terminal shell in container", name[:12], "terminal=")
        box.run("sh", "-c", "cat /etc/shadow")
        wait_for(sensor, "Read sensitive file untrusted", name[:12], "file=/etc/shadow")
        box.run("sh", "-c", "echo x > /dev/hidden")
        wait_for(sensor, "Create files below dev", name[:12], "/dev/hidden")


if __name__ == "__main__":
    tap.main(globals())
