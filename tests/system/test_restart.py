# SPDX-License-Identifier: Apache-2.0
"""A sensor that is killed knows after its next start what ran before: processes, ancestors, containers. The
forwarder tells of one that does not come back."""
import os
import signal
import subprocess
import tempfile
import uuid

import tap
from containers import Container, need_runc
from sensor import Sensor, written
from stack import need_root
from test_forwarder import Forwarder, Receiver

# On a machine under load a beat may be late.
SILENT_AFTER = "5s"


def rules(folder, mark):
    """What a process does that ran before, by itself and by what it starts."""
    def rule(name, condition):
        return f"- rule: {name}\n  desc: d\n  condition: {condition}\n  priority: WARNING\n" \
               "  output: \"%evt.type %container.id %user.name %proc.exepath %proc.args up=%proc.aname[1] " \
               "upper=%proc.aname[2] tty=%proc.tty\"\n"
    return written(folder, "r.yaml",
                   rule("opened", f"evt.type in (open, openat) and fd.name = /tmp/{mark}")
                   + rule("started", f"evt.type = execve and proc.name in (true, busybox) and proc.args contains {mark}"))


def restarted(path):
    """A sensor whose predecessor was killed."""
    with Sensor("-r", path) as first:
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(20)
    return Sensor("-r", path)


def test_processes_and_their_ancestors_are_known_after_a_kill():
    need_root()
    mark = f"tercel-{uuid.uuid4().hex}"
    script = f"read x; : >/tmp/{mark}; /bin/true {mark}; :"
    with tempfile.TemporaryDirectory() as folder:
        path = rules(folder, mark)
        old = subprocess.Popen(["/bin/bash", "-c", f"/bin/sh -c '{script}'; :"], stdin=subprocess.PIPE)
        try:
            with restarted(path) as sensor:
                old.communicate(b"go\n", timeout=20)
                sensor.wait_for_lines(2)
                tap.equal(sensor.stop(), 0)
        finally:
            old.kill()
            old.wait()
            os.unlink(f"/tmp/{mark}")
        opened, started = (line.split(" Warning ")[-1] for line in sensor.lines)
        shell = os.path.realpath("/bin/sh")
        assert f"openat host root {shell} -c {script} up=bash upper=python" in opened, opened
        assert f"execve host root {os.path.realpath('/bin/true')} {mark} up=sh upper=bash" in started, started


def test_containers_are_known_after_a_kill():
    need_root()
    need_runc()
    mark = f"tercel-{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory() as folder, Container(uuid.uuid4().hex * 2) as box:
        path = rules(folder, mark)
        script = f"until [ -e /tmp/go ]; do sleep 0.1; done; : >/tmp/{mark}; /bin/true {mark}; :"
        subprocess.run(box.runc("exec", "--detach", box.name, "sh", "-c", script), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with restarted(path) as sensor:
            open(f"{box.folder}/rootfs/tmp/go", "w").close()
            sensor.wait_for_lines(2)
            tap.equal(sensor.stop(), 0)
        assert f" {box.name[:12]} root /bin/busybox -c {script} up=" in sensor.lines[0], sensor.lines
        assert f" {box.name[:12]} root /bin/busybox {mark} up=sh" in sensor.lines[1], sensor.lines


def test_a_sensor_that_is_killed_is_an_alert_and_so_is_its_return():
    need_root()
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder, \
            Forwarder(WEBHOOK_ADDRESS=receiver.url, SILENTAFTER=SILENT_AFTER) as forwarder:
        arguments = ["-r", rules(folder, "nothing"), "-o", "http_output.enabled=true", "-o", "http_output.batch=true",
                     "-o", f"http_output.url=http://127.0.0.1:{forwarder.port}/"]
        with Sensor(*arguments) as sensor:
            tap.wait_for("its beat", lambda: forwarder.metric("tercel_forwarder_nodes") == 1)
            sensor.process.send_signal(signal.SIGKILL)
            told = tap.wait_for("the alert", receiver.alerts, 60)[0]
            tap.equal((told["rule"], told["hostname"], told["priority"]), ("Node silent", os.uname().nodename, "Critical"))
        with Sensor(*arguments):
            tap.wait_for("its return", lambda: "Node back" in receiver.rules(), 60)
    receiver.close()


if __name__ == "__main__":
    tap.main(globals())
