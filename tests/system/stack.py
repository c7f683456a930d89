# SPDX-License-Identifier: Apache-2.0
"""The real programs together, as `tercel up` starts them, with state and ports of their own."""
import base64
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
import time
import urllib.parse
import urllib.request

import tap

BUILD = pathlib.Path(os.environ.get("TERCEL_BUILD", pathlib.Path(__file__).parents[2] / "build")).resolve()
SOURCE = pathlib.Path(__file__).parents[2].resolve()


PROGRAMS = ["tercel/tercel", "sensor/tercel-sensor", "forwarder/tercel-forwarder", "dashboard/tercel-dashboard", "responder/tercel-responder"]


def copy_programs(folder):
    """A build tree of the programs alone: one that others can enter, or that they cannot."""
    for name in PROGRAMS:
        os.makedirs(os.path.join(folder, os.path.dirname(name)))
        shutil.copy(BUILD / name, os.path.join(folder, name))
    return pathlib.Path(folder)


def need_root():
    if os.geteuid() != 0:
        tap.skip("root is needed to load eBPF programs")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url, user=None, password=None, body=None):
    request = urllib.request.Request(url, data=body)
    if user:
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


class Stack:
    """with Stack() as up: up.events(filter="…")"""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.state = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tercel-test-")
        os.chmod(self.folder, 0o755)
        self.state = os.path.join(self.folder, "state")
        self.forwarder = f"127.0.0.1:{free_port()}"
        self.dashboard = f"127.0.0.1:{free_port()}"
        self.user = self.password = None
        self.start()
        return self

    def start(self):
        self.lines = []
        command = [str(BUILD / "tercel/tercel"), "up", "--state", self.state, "--forwarder", self.forwarder,
                   "--dashboard", self.dashboard, *self.arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True).start()
        tap.wait_for("tercel up to be ready", lambda: self.process.poll() is not None
                     or any("Stop " in line for line in self.lines))
        if self.process.poll() is not None:
            raise AssertionError("tercel up ended:\n" + "\n".join(self.lines))
        for line in self.lines:
            found = re.search(r"Login\s+(\S+) / (\S+)", line)
            if found:
                self.user, self.password = found.groups()

    def read(self, stream):
        for line in stream:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def pids(self, name):
        """Pids of a program of this stack."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                status = (entry / "stat").read_text() if entry.name.isdigit() else ""
                parent = int(status.rpartition(")")[2].split()[1]) if status else 0
                if parent == self.process.pid and name in os.path.basename(os.readlink(entry / "exe")):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("tercel up did not stop within 30 s") from None

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, path, **query):
        text = get(f"http://{self.dashboard}/api/v1/{path}?{urllib.parse.urlencode(query)}", self.user,
                   self.password)
        return json.loads(text)

    def events(self, **query):
        return self.api("events/search", limit=1000, **query)["results"]

    def metric(self, name):
        """Sum of all series of a metric of the forwarder."""
        total = 0
        for line in get(f"http://{self.forwarder}/metrics").splitlines():
            if re.match(rf"{name}(\{{|\s)", line):
                total += float(line.rsplit(None, 1)[1])
        return total
