#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many alerts a second go through forwarder and dashboard, from the first request until the
dashboard has counted the last one. Both are the real programs, joined by a unix socket as
`tercel up` joins them; this program is their only client, on the same CPUs.

usage: bench_pipeline.py BUILD-FOLDER [ALERTS]"""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

BATCH = 100


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def alert(number):
    return {
        "output": f"11:53:39.179191538: Warning Sensitive file opened (file=/etc/shadow program=cat number={number})",
        "priority": "Warning", "rule": "Read sensitive file untrusted", "source": "syscall", "hostname": "bench",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{number % 10**9:09d}Z",
        "output_fields": {"container.id": "86a6b523d600", "fd.name": "/etc/shadow", "proc.name": "cat",
                          "proc.cmdline": f"cat /etc/shadow {number}", "proc.pname": "sh", "user.name": "root",
                          "evt.time": 1795521219179191538 + number},
        "tags": ["T1555", "container", "filesystem", "mitre_credential_access"],
    }


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def wait_until(condition):
    until = time.monotonic() + 120
    while not condition():
        if time.monotonic() > until:
            sys.exit("bench_pipeline: waited 120 s in vain")
        time.sleep(0.005)


def count(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/v1/events/count")
    return json.loads(connection.getresponse().read())["statistics"]["all"]


def run(build, alerts):
    with tempfile.TemporaryDirectory() as folder:
        dashboard_port, forwarder_port = free_port(), free_port()
        environment = dict(os.environ, LISTENADDRESS="127.0.0.1", LISTENPORT=str(forwarder_port),
                           LISTENSOCKET=f"{folder}/forwarder.socket", LOGLEVEL="error",
                           WEBUI_URL=f"http://127.0.0.1:{dashboard_port}", WEBUI_SOCKET=f"{folder}/dashboard.socket")
        programs = [
            subprocess.Popen([build / "dashboard/tercel-dashboard", "--listen", f"127.0.0.1:{dashboard_port}",
                              "--state", f"{folder}/dashboard", "--socket", f"{folder}/dashboard.socket",
                              "--no-login", "-l", "error"]),
            subprocess.Popen([build / "forwarder/tercel-forwarder", "--state", f"{folder}/forwarder"], env=environment),
        ]
        try:
            wait_until(lambda: os.path.exists(f"{folder}/forwarder.socket")
                       and os.path.exists(f"{folder}/dashboard.socket"))
            bodies = [json.dumps([alert(n) for n in range(at, at + BATCH)]) for at in range(0, alerts, BATCH)]
            connection = Unix(f"{folder}/forwarder.socket")
            begin = time.monotonic()
            for body in bodies:
                connection.request("POST", "/", body)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    sys.exit(f"bench_pipeline: the forwarder answered {answer.status}")
            accepted = time.monotonic()
            wait_until(lambda: count(dashboard_port) >= alerts)
            stored = time.monotonic()
            print(f"forwarder accepts     {alerts / (accepted - begin):9.0f} alerts/s, batches of {BATCH}, one client")
            print(f"until the page counts {alerts / (stored - begin):9.0f} alerts/s, {alerts} alerts")
        finally:
            for program in programs:
                program.terminate()
            for program in programs:
                program.wait(30)


if __name__ == "__main__":
    run(pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 50000)
