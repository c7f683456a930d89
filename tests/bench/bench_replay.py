#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many events a second and core go through the rules, on streams recorded here: a compiler at
work, find and tar, the install of a package by dpkg, and a web server under load; each alone, and
all together. The official rules are taken from ../shared where they are there, else those that we
ship.

usage: bench_replay.py BUILD-FOLDER [RECORDING… | --keep FOLDER]"""
import http.client
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

SOURCE = pathlib.Path(__file__).resolve().parents[2]
REQUESTS = 2000
PACKAGED_FILES = 1500
POSTINST = """#!/bin/sh
set -e
for name in $(find "$DPKG_ROOT/usr/include" -name '*.h' | head -40); do basename "$name" >/dev/null; done
"""


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


def install(folder):
    """A package of real files, with a script, built and installed by dpkg into a root of its own."""
    package, root = pathlib.Path(folder, "package"), pathlib.Path(folder, "root")
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN/control").write_text(
        "Package: bench-install\nVersion: 1\nArchitecture: all\nMaintainer: Bench <bench@localhost>\n"
        "Description: what is installed to be watched\n", encoding="ascii")
    (package / "DEBIAN/postinst").write_text(POSTINST, encoding="ascii")
    (package / "DEBIAN/postinst").chmod(0o755)
    for path in sorted(pathlib.Path("/usr/include").rglob("*.h"))[:PACKAGED_FILES]:
        target = package / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    database = root / "var/lib/dpkg"
    (database / "info").mkdir(parents=True)
    (database / "updates").mkdir()
    (database / "status").touch()
    archive = os.path.join(folder, "bench-install.deb")
    quiet(["dpkg-deb", "--build", package, archive])
    quiet(["dpkg", f"--root={root}", "--force-script-chrootless", "--install", archive])
    if not (database / "info/bench-install.list").exists():
        sys.exit("dpkg did not install the package")


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(_folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=str(SOURCE / "base")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(REQUESTS):
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        client.request("GET", "/text.h")
        client.getresponse().read()
        client.close()
    server.shutdown()


STREAMS = {"build": build, "walk": walk, "install": install, "web": serve}


def record(tercel, path, rules, work):
    arguments = [word for file in rules for word in ("-r", file)]
    process = subprocess.Popen([tercel, "record", "-w", path, *arguments], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "watching with" in line:
            break
    with tempfile.TemporaryDirectory() as folder:
        work(folder)
    process.terminate()
    rest = process.stderr.read()
    if process.wait():
        sys.exit(rest)


def record_all(build_folder, folder, rules):
    if os.geteuid():
        sys.exit("root is needed to record; or name recordings")
    paths = []
    for name, work in STREAMS.items():
        paths.append(os.path.join(folder, name + ".rec"))
        record(str(build_folder / "tercel/tercel"), paths[-1], rules, work)
    return paths


def main():
    build_folder = pathlib.Path(sys.argv[1])
    rules = rules_files()
    with tempfile.TemporaryDirectory() as temporary:
        paths = sys.argv[2:]
        if not paths:
            paths = record_all(build_folder, temporary, rules)
        elif paths[0] == "--keep":
            paths = record_all(build_folder, paths[1], rules)
        sys.stdout.flush()
        command = [build_folder / "sensor/bench-replay", *paths, "--", *rules]
        sys.exit(subprocess.run(command, check=False).returncode)


main()
