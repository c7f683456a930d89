#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package in a Debian that systemd has booted (systemd-nspawn): dpkg installs it, systemd starts the
units with all their hardening, an alert is made and seen on the dashboard, and a purge leaves no unit."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
from test_deb import PLAYBOOK, UNITS, debian, package

# What a test asks with, and what boots.
BESIDE = ["systemd-sysv", "curl", "procps"]
RULE = "Read sensitive file untrusted"


class Booted:
    """with Booted(folder, packages) as host: host.run("systemctl", …). Its network is its own: any port is free."""

    def __init__(self, folder, packages):
        self.root = pathlib.Path(folder, "root")
        self.root.mkdir()
        subprocess.run(["tar", "-xf", debian(packages, "boot"), "-C", self.root], check=True)
        self.log = pathlib.Path(folder, "log")

    def __enter__(self):
        # The capabilities and calls that the sensor's unit allows are its host's to give.
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--private-network", "--register=no",
                   "--keep-unit", "--capability=all", "--system-call-filter=bpf perf_event_open openat2", "--console=pipe"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            tap.wait_for("the system to boot", self.is_up, 240)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def is_up(self):
        if self.process.poll() is not None:
            tap.skip(f"systemd-nspawn boots nothing here: {self.log.read_text(errors='replace')[-300:].strip()}")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.init = children[0]
        return self.ask("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def ask(self, *command):
        return subprocess.run(["nsenter", "--target", self.init, "--all", *command], capture_output=True, text=True, timeout=120,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})

    def run(self, *command):
        done = self.ask(*command)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def states(self):
        return {name: self.ask("systemctl", "is-active", f"tercel-{name}").stdout.strip() for name in UNITS}


def wait_for_states(host, want):
    try:
        tap.wait_for(f"units to be {want}", lambda: host.states() == want, 120)
    except AssertionError as why:
        raise AssertionError(f"{why}; they are {host.states()}\n" + host.ask("journalctl", "--no-pager", "-n", "60", "-u", "tercel-*").stdout) from None


def test_units_start_in_a_booted_system_and_an_alert_is_seen_there():
    if os.geteuid() != 0:
        tap.skip("root is needed to boot another system")
    if not shutil.which("systemd-nspawn"):
        tap.skip("systemd-nspawn is not installed")
    deb = package()
    depends = re.sub(r" \([^)]*\)", "", subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True,
                                                       text=True).stdout).strip().split(", ")
    with tempfile.TemporaryDirectory(prefix="tercel-boot-") as folder, Booted(folder, depends + BESIDE) as host:
        shutil.copy(deb, host.root / "root/tercel.deb")
        host.run("dpkg", "--install", "/root/tercel.deb")
        host.run("systemctl", "start", "tercel-dashboard", "tercel-forwarder", "tercel-responder", "tercel-sensor")
        wait_for_states(host, {**dict.fromkeys(UNITS, "active"), "responder": "inactive"})
        (host.root / "etc/tercel/playbooks.yaml").write_text(PLAYBOOK)
        host.run("systemctl", "start", "tercel-responder")
        wait_for_states(host, dict.fromkeys(UNITS, "active"))
        login = host.run("cat", "/run/tercel/dashboard/first-login").split()
        host.run("cat", "/etc/shadow")

        def shown():
            text = host.run("curl", "--silent", "--user", ":".join(login), "http://127.0.0.1:2802/api/v1/events/search?limit=100&filter=shadow")
            return [one for one in json.loads(text)["results"] if one["rule"] == RULE]
        tap.wait_for("the alert on the dashboard", shown, 90)
        tap.equal("Sensitive file opened" in host.run("journalctl", "--no-pager", "-u", "tercel-sensor"), True, "the alert in the journal")
        restarts = {name: host.run("systemctl", "show", "-p", "NRestarts", "--value", f"tercel-{name}").strip() for name in UNITS}
        tap.equal(restarts, dict.fromkeys(UNITS, "0"), "units that had to be started again")

        host.run("systemctl", "stop", *(f"tercel-{name}" for name in UNITS))
        for name in UNITS:
            tap.equal(host.run("systemctl", "show", "-p", "Result", "--value", f"tercel-{name}").strip(), "success", f"how {name} ended")
        host.run("dpkg", "--purge", "tercel")
        host.run("systemctl", "daemon-reload")
        tap.equal(host.ask("systemctl", "list-unit-files", "--no-legend", "tercel*").stdout, "", "units after a purge")
        for path in ("etc/tercel", "var/lib/tercel", "var/log/tercel", "run/tercel"):
            tap.equal((host.root / path).exists(), False, path)


if __name__ == "__main__":
    tap.main(globals())
