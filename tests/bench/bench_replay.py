#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many events a second and core go through the rules, on a stream recorded here: a compiler at
work, find and tar, and a web server under load. The official rules are taken from ../shared where
they are there, else those that we ship.

usage: bench_replay.py BUILD-FOLDER [RECORDING]"""
import http.client
import http.server
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

SOURCE = pathlib.Path(__file__).resolve().parents[2]
REQUESTS = 2000


def rules_files():
    shared = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared")) / "data/rules"
    official = [shared / f"falco{kind}_rules.yaml" for kind in ("", "-incubating", "-sandbox")]
    found = [str(path) for path in official if path.exists()]
    return found or [str(SOURCE / "rules/tercel_rules.yaml")]


def quiet(command, **options):
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def build(folder):
    for path in sorted((SOURCE / "base").glob("*.c"))[:12]:
        quiet(["gcc", "-D_GNU_SOURCE", "-I", SOURCE, "-O1", "-c", path, "-o", os.path.join(folder, path.stem + ".o")])


def walk(folder):
    quiet(["find", "/usr/lib", "/etc", "-newer", "/etc/hostname", "-name", "*.conf"])
    quiet(["tar", "-cf", os.path.join(folder, "include.tar"), "/usr/include/linux", "/etc"])


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=str(SOURCE / "base")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(REQUESTS):
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        client.request("GET", "/text.h")
        client.getresponse().read()
        client.close()
    server.shutdown()


def record(tercel, path, rules):
    arguments = [word for file in rules for word in ("-r", file)]
    process = subprocess.Popen([tercel, "record", "-w", path, *arguments], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "watching with" in line:
            break
    with tempfile.TemporaryDirectory() as folder:
        build(folder)
        walk(folder)
        serve()
    process.terminate()
    rest = process.stderr.read()
    if process.wait():
        sys.exit(rest)


def main():
    build_folder = pathlib.Path(sys.argv[1])
    rules = rules_files()
    with tempfile.TemporaryDirectory() as folder:
        path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(folder, "bench.rec")
        if len(sys.argv) < 3:
            if os.geteuid():
                sys.exit("root is needed to record; or name a recording")
            record(str(build_folder / "tercel/tercel"), path, rules)
            print(f"recorded {os.path.getsize(path) / 1e6:.1f} MB")
            sys.stdout.flush()
        sys.exit(subprocess.run([build_folder / "sensor/bench-replay", path, *rules], check=False).returncode)


main()
