# SPDX-License-Identifier: Apache-2.0
"""What fields say, against a real kernel: every field that Falco's rules lean on has its value, those
that /proc is asked for too, and a replay of the recording says the same to the byte.

Metadata of containers are test_containers.py's, layers of an overlayfs test-kernel-source's."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

import runtimes
import tap
from containers import Container, need_runc
from sensor import Sensor, written
from stack import BUILD, SOURCE, need_root

TERCEL = str(BUILD / "tercel/tercel")
NAME = "fe12cd34ef56" + "0" * 52
ANY = re.compile(".+", re.S)
TIME = re.compile(r"\d{19}")

# A process that waits to be looked at: two threads beside the first, a socket as its stdout.
SITS = """
import os, sys, threading, time
end = threading.Event()
for _ in range(2):
    threading.Thread(target=end.wait, daemon=True).start()
open(sys.argv[1]).close()
sys.stdin.read()
"""


def rule(name, condition, fields):
    return json.dumps({"rule": name, "desc": "d", "condition": condition, "priority": "NOTICE",
                       "output": " ".join("%" + field for field in fields)})


def settings(folder, rules, *more):
    path = written(folder, "rules.yaml", "\n".join("- " + one for one in rules) + "\n")
    return ("-c", "/dev/null", "-r", path, "-o", "stdout_output.enabled=true", "-o", "json_output=true",
            "-o", "time_format_iso_8601=true", "-o", f"sensor.record_file={folder}/r.rec", *more)


@contextlib.contextmanager
def recorded(folder, rules, *more):
    """A sensor; when it has ended the replay of its recording must give its alerts."""
    with Sensor(*settings(folder, rules, *more)) as sensor:
        yield sensor
        tap.equal(sensor.stop(), 0)
        tap.wait_for("the end of its output", lambda: any("records" in line for line in sensor.log), 30)
    done = subprocess.run([TERCEL, "replay", f"{folder}/r.rec", "-r", f"{folder}/rules.yaml", "--json"],
                          capture_output=True, text=True, timeout=120)
    tap.equal(done.returncode, 0, done.stderr)
    tap.equal(done.stdout.splitlines(), sensor.lines)


def fields_of(sensor, name, **wanted):
    """The fields of the first alert of a rule."""
    wanted = {key.replace("__", "."): value for key, value in wanted.items()}

    def find():
        for line in list(sensor.lines):
            alert = json.loads(line)
            fields = alert["output_fields"]
            if alert["rule"] == name and all(fields.get(key) == value for key, value in wanted.items()):
                return fields
        return None
    return tap.wait_for(f"an alert of '{name}'", find, 60)


def check(fields, wanted):
    for name, value in wanted.items():
        got = fields[name]
        if isinstance(value, re.Pattern):
            assert got is not None and value.fullmatch(str(got)), f"{name} is {got!r}, not {value.pattern}"
        elif callable(value):
            assert value(got), f"{name} is {got!r}"
        else:
            tap.equal(got, value, name)
    return set(wanted)


LOOKED = {
    "proc.stdin.type": "pipe", "proc.stdin.name": re.compile(r"pipe:\[\d+\]"),
    "proc.stdout.type": "ipv4", "proc.stdout.name": re.compile(r"127\.0\.0\.1:\d+->127\.0\.0\.1:\d+"),
    "proc.stderr.type": "file", "proc.stderr.name": "/dev/null",
    "proc.nthreads": 3, "proc.nchilds": 2,
    "proc.fdopencount": lambda count: count >= 3, "proc.fdlimit": lambda limit: limit > 3,
    "proc.fdusage": lambda share: 0 <= share <= 100, "fd.types[0]": "pipe",
    "fd.types": lambda types: {"pipe", "ipv4", "file"} <= set(types),
    "thread.cgroups": re.compile(r"\S+=/.*"), "thread.cgroup.memory": re.compile("/.*"),
    "thread.cpu": lambda share: share >= 0, "thread.cpu.user": lambda share: share >= 0,
    "thread.cpu.system": lambda share: share >= 0, "thread.exectime": 0,
    "thread.totexectime": lambda ns: ns > 0, "thread.pfminor": lambda faults: faults > 0,
    "thread.pfmajor": lambda faults: faults >= 0,
    "proc.vmsize": lambda kb: kb > 1000, "proc.vmrss": lambda kb: kb > 1000, "proc.vmswap": lambda kb: kb >= 0,
    "thread.vmsize": lambda kb: kb > 1000, "thread.vmrss": lambda kb: kb > 1000,
    "user.homedir": "/root", "user.shell": re.compile("/.*"), "evt.category": "file",
}


def test_what_proc_is_asked_for_is_right_and_the_same_in_a_replay():
    need_root()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        mark = written(folder, "mark", "")
        condition = (f"evt.type in (open, openat) and fd.name = {mark} and proc.stdout.type = ipv4 "
                     "and proc.nthreads = 3 and fd.types intersects (pipe, netlink) and thread.cgroups exists "
                     "and evt.category = file and user.homedir = /root")
        with recorded(folder, [rule("sits", condition, LOOKED)]) as sensor:
            with socket.create_connection(server.getsockname()) as out:
                process = subprocess.Popen([sys.executable, "-c", SITS, mark], stdin=subprocess.PIPE, stdout=out,
                                           stderr=subprocess.DEVNULL)
                fields = fields_of(sensor, "sits")
                process.communicate()
        check(fields, LOOKED)


POLLS = """
import select, socket, sys
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted = server.accept()  # else the server has something for the first poll, and the program ends at once
waits = select.poll()
for one in (sys.stdin, server, client):
    waits.register(one, select.POLLIN)
while not waits.poll(100):
    pass
"""


def test_what_poll_waits_for_is_listed():
    need_root()
    names = ("nums", "names", "cips", "sips", "cports", "sports")
    with tempfile.TemporaryDirectory() as folder:
        condition = "evt.type in (poll, ppoll) and proc.env[TERCEL_MARK] = polls and fdlist.sips exists"
        with recorded(folder, [rule("polls", condition, [f"fdlist.{name}" for name in names])]) as sensor:
            process = subprocess.Popen([sys.executable, "-c", POLLS], stdin=subprocess.PIPE,
                                       env={**os.environ, "TERCEL_MARK": "polls"})
            fields = fields_of(sensor, "polls")
            process.communicate()
        got = {name: fields[f"fdlist.{name}"].split(",") for name in names}
        port = got["sports"][0]
        tap.equal((len(got["nums"]), got["nums"][0], got["sips"], got["cips"]),
                  (3, "0", ["127.0.0.1", "127.0.0.1"], ["127.0.0.1"]))
        assert got["names"][0].startswith("pipe:[") and got["names"][1] == f"127.0.0.1:{port}", got
        tap.equal(got["names"][2], f"127.0.0.1:{got['cports'][0]}->127.0.0.1:{port}")
        tap.equal(got["sports"], [port, port])


def test_domain_names_lead_to_addresses_live_and_in_a_replay():
    need_root()
    ends = ("sip", "rip", "cip", "lip")
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        condition = (f"evt.type = connect and fd.sport = {port} and fd.sip.name = localhost "
                     "and not fd.rip.name = no-such-name.invalid and fd.cip.name in (localhost) "
                     "and fd.lip.name = localhost")
        with recorded(folder, [rule("named", condition, [f"fd.{end}.name" for end in ends])]) as sensor:
            def connect():
                # The name is looked up beside the stream of events.
                socket.create_connection(("127.0.0.1", port)).close()
                return sensor.lines
            tap.wait_for("a name's address", connect, 60)
            fields = fields_of(sensor, "named")
        tap.equal([fields[f"fd.{end}.name"] for end in ends], ["localhost"] * 4)


OPENED = {
    "evt.num": lambda number: number > 0, "evt.time.iso8601": TIME, "evt.type": "openat", "evt.args": ANY,
    "evt.arg.name": None, "evt.arg[0]": ANY, "evt.res": "SUCCESS", "evt.rawres": lambda fd: fd > 2,
    "evt.is_open_read": True, "evt.is_open_write": True, "evt.is_open_exec": True,
    "fd.num": lambda fd: fd > 2, "fd.type": "file", "fd.typechar": "f", "fd.name": None, "fd.nameraw": None,
    "fd.directory": None, "fd.filename": "made", "user.uid": 0, "user.name": "root",
    "user.loginuid": lambda uid: uid >= -1, "user.loginname": ANY, "group.gid": 0, "group.name": "root",
    "proc.cwd": None, "proc.tty": 0, "container.id": "host", "thread.cap_permitted": re.compile(".*CAP_CHOWN.*"),
    "thread.cap_effective": re.compile(".*CAP_CHOWN.*"),
}
EXECUTED = {
    "proc.exe": "/bin/id", "proc.pexe": "sh", "proc.aexe[1]": "sh", "proc.aexe": re.compile("sh .*"),
    "proc.exepath": re.compile(".*/bin/busybox"), "proc.pexepath": re.compile(".*/bin/busybox"),
    "proc.aexepath[1]": re.compile(".*/bin/busybox"), "proc.aexepath": ANY, "proc.name": "id", "proc.pname": "sh",
    "proc.aname[1]": "sh", "proc.aname": re.compile("sh .*"), "proc.args": "-u", "proc.args[0]": "-u",
    "proc.cmdline": "id -u", "proc.pcmdline": re.compile("sh -c .*"), "proc.env[HOME]": "/root",
    "proc.env": re.compile(".*HOME=/root.*"), "proc.cwd": "/tmp/", "proc.vpid": lambda pid: pid > 1,
    "proc.sname": "sh", "proc.duration": lambda ns: 0 <= ns < 60e9, "proc.is_exe_upper_layer": False,
    "proc.is_exe_from_memfd": False, "proc.is_vpgid_leader": False, "proc.exe_ino.ctime": lambda ns: ns > 10**18,
    "proc.exe_ino.mtime": lambda ns: ns > 10**18, "proc.exe_ino.ctime_duration_proc_start": lambda ns: ns > 0,
    "container.id": NAME[:12], "container.start_ts": lambda ns: ns > 10**18, "user.name": "root",
}
CONNECTED = {
    "fd.type": "ipv4", "fd.typechar": "4", "fd.name": re.compile(r"127\.0\.0\.1:\d+->127\.0\.0\.1:\d+"),
    "fd.cip": "127.0.0.1", "fd.sip": "127.0.0.1", "fd.rip": "127.0.0.1", "fd.sport": None, "fd.rport": None,
    "fd.lport": lambda port: port > 0, "fd.l4proto": "tcp", "fd.sockfamily": "ip", "fd.connected": True,
    "fd.name_changed": True,
}
# Fields that print nothing and are proven by the conditions of test 'connected', or elsewhere.
IN_CONDITIONS = {"fd.ip", "fd.port", "fd.net", "fd.cnet", "fd.snet", "fd.rnet"}
ELSEWHERE = {"container.name", "container.privileged", "container.mounts", "container.mount.dest",
             "container.image.repository", "container.image.tag", "k8s.pod.name", "k8s.ns.name", "evt.time",
             "fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name"}


def open_file(folder):
    os.chdir(folder)
    os.close(os.open("//".join((folder, "made")), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o755))


def test_every_field_that_rules_lean_on_has_its_value():
    need_runc()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        rules = [
            rule("opened", f"evt.type = openat and fd.name = {folder}/made", OPENED),
            rule("executed", "evt.type = execve and evt.arg.res = 0 and proc.name = id and container.id != host", EXECUTED),
            rule("connected", f"evt.type = connect and fd.ip = 127.0.0.1 and fd.port = {port} and fd.net = 127.0.0.0/8 "
                 "and fd.cnet = 127.0.0.0/8 and fd.snet in (10.0.0.0/8, 127.0.0.0/8) and fd.rnet = 127.0.0.1/32", CONNECTED),
            rule("sent", "evt.type = sendto and evt.buffer contains tercel-marks", ["evt.buffer"]),
        ]
        with recorded(folder, rules) as sensor, Container(NAME) as box:
            pid = os.fork()
            if pid == 0:
                open_file(folder)
                os._exit(0)
            os.waitpid(pid, 0)
            box.run("sh", "-c", "cd /tmp; /bin/id -u; true")
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.send(b"tercel-marks its bytes")
            opened, executed = fields_of(sensor, "opened"), fields_of(sensor, "executed")
            connected, sent = fields_of(sensor, "connected"), fields_of(sensor, "sent")
        proven = check(opened, {**OPENED, "evt.arg.name": f"{folder}/made", "fd.name": f"{folder}/made",
                                "fd.nameraw": f"{folder}/made", "fd.directory": folder, "proc.cwd": folder + "/"})
        proven |= check(executed, EXECUTED) | check(sent, {"evt.buffer": "tercel-marks its bytes"})
        proven |= check(connected, {**CONNECTED, "fd.sport": port, "fd.rport": port})
    proven = {re.split(r"[\[]", name)[0] for name in proven} | IN_CONDITIONS | ELSEWHERE
    listed = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE / "../shared")) / "spec/fields.tsv"
    if listed.exists():
        rows = [line.split("\t") for line in listed.read_text().splitlines()[1:]]
        wanted = {row[0] for row in rows if row[-1].strip() in ("A", "B")}
        tap.equal(sorted(name for name in wanted if name not in proven and name + ".name" not in proven), [],
                  "fields of priority A and B that nothing here reads")


# ---------------------------------------------------------------- all of them

# How a field is written that wants an argument; others have [app].
WRITTEN = {
    "evt.type.is": ".openat", "evt.arg": "[0]", "evt.rawarg": ".fd", "evt.around": "[1]", "thread.cgroup": ".cpu",
    "static": ".site", "container.label": "[team]", "json.value": "[/a]", "jevt.value": "[/a]",
    "container.mount": "[0]", "container.mount.source": "[0]", "container.mount.dest": "[0]",
    "container.mount.mode": "[0]", "container.mount.rdwr": "[0]", "container.mount.propagation": "[0]",
}
# Of the family evt and thread, not listed: they are for tables.
HIDDEN = ["evt.latency.quantized", "evt.count.procinfo", "evt.count.threadinfo", "evt.buflen.in", "evt.buflen.out",
          "evt.buflen.file", "evt.buflen.file.in", "evt.buflen.file.out", "evt.buflen.net", "evt.buflen.net.in",
          "evt.buflen.net.out", "evt.infra.docker.name", "evt.infra.docker.container.id",
          "evt.infra.docker.container.name", "evt.infra.docker.container.image", "thread.nametid", "thread.vmsize.b",
          "thread.vmrss.b", "util.cnt"]
# A process that does a little of everything.
DOES = """
import os, select, shutil, socket, sys
folder = sys.argv[1]
os.chdir(folder)
for make in (lambda: os.open("made", os.O_RDWR | os.O_CREAT, 0o755), lambda: os.open("none", os.O_RDONLY),
             lambda: os.mkdir("d"), lambda: os.symlink("made", "s"), lambda: os.link("made", "l"),
             lambda: os.rename("s", "t"), lambda: os.chmod("made", 0o600), lambda: os.setuid(0)):
    try:
        make()
    except OSError:
        pass
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
other, _ = server.accept()
waits = select.poll()
for one in (server, client, other):
    waits.register(one, select.POLLIN)
waits.poll(0)
client.sendto(b"some data", server.getsockname())
other.recvfrom(9)
shutil.copy("/bin/true", "mine")
for program in ("/bin/true", "./mine"):
    if os.fork() == 0:
        os.execv(program, ["true", "x"])
    os.wait()
sys.stdin.read()  # what /proc says of us is asked for meanwhile
"""


# Their values come from runtimes that this test has not: test-fields, test_containers.py (health checks).
OF_OTHERS = {"container.cni.json", "container.ip", "container.healthcheck", "container.liveness_probe",
             "container.readiness_probe", "k8s.pod.cni.json", "k8s.pod.ip", "k8smeta.pod.ip",
             "fd.cip.name", "fd.lip.name", "fd.rip.name", "fd.sip.name"}


def documented_without_value():
    text = (SOURCE / "docs/rules.md").read_text()
    rows = text.partition("## Fields without a value")[2].partition("\n## ")[0]
    names = [name for row in rows.splitlines() if row.startswith("| `") for name in re.findall("`([^`]+)`", row.split("|")[1])]
    return re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in names))


def every_field():
    listed = json.loads(subprocess.run([TERCEL, "fields", "--json"], capture_output=True, text=True, check=True).stdout)
    known = {field["name"]: field for field in listed}
    for name in HIDDEN:
        known[name] = {"name": name, "argument": "", "notes": []}
    wants = {"[KEY]": "[app]", "[N]": "[0]"}
    return {field["name"] + WRITTEN.get(field["name"], wants.get(field["argument"], "")): field for field in known.values()}


def test_what_never_has_a_value_is_what_the_docs_say():
    runtimes.need("containerd", "ctr")
    fields = every_field()
    assert len(fields) > 420, len(fields)
    silent = [name for name, field in fields.items() if "conditions only" in field["notes"]]
    printed = [name for name in fields if name not in silent]
    ours = "(proc.env[TERCEL_MARK] = here or container.id != host) and (evt.type in (open, openat, mkdir, symlink, link," \
           " rename, chmod, setuid, connect, accept4, sendto, recvfrom, poll, ppoll, procexit) or (evt.type = execve and evt.arg.res = 0))"
    rules = [rule(f"fields {at}", ours, printed[at:at + 50]) for at in range(0, len(printed), 50)]
    rules += [rule(f"exists {name}", f"{ours} and {name} exists", ["evt.num"]) for name in silent]
    with tempfile.TemporaryDirectory() as folder, runtimes.Containerd() as runtime:
        config = {"container_engines": {"cri": {"sockets": [runtime.socket]}, "docker": {"enabled": False},
                                        "podman": {"enabled": False}}, "static_fields": {"site": "west"},
                  "container_metadata": {"timeout": 5000}, "rule_matching": "all"}
        path = written(folder, "rules.yaml", "\n".join("- " + one for one in rules) + "\n")
        with Sensor("-c", written(folder, "sensor.yaml", json.dumps(config)), "-r", path, "-o", "json_output=true",
                    "-o", "stdout_output.enabled=true") as sensor:
            does = subprocess.Popen([sys.executable, "-c", DOES, folder], env={**os.environ, "TERCEL_MARK": "here"},
                                    stdin=subprocess.PIPE)
            tap.wait_for("its last program", lambda: any('"proc.exepath":"' + folder in line for line in list(sensor.lines)), 60)
            does.communicate()
            pod = runtime.pod()
            runtime.container(pod, "true")
            last = f"fields {(len(printed) - 1) // 50 * 50}"
            fields_of(sensor, last)
            # The pod's own container comes first, and has neither mounts nor the labels.
            tap.wait_for("an exec in the container",
                         lambda: any('"container.mount.dest[0]":"/' in line for line in list(sensor.lines)), 60)
            tap.equal(sensor.stop(), 0)
        seen = set()
        for line in sensor.lines:
            alert = json.loads(line)
            if alert["rule"].startswith("exists "):
                seen.add(alert["rule"].removeprefix("exists "))
            seen |= {name for name, value in alert["output_fields"].items() if value is not None}
    without = documented_without_value()
    never = {name for name in fields if name not in seen} - OF_OTHERS
    tap.equal(sorted(name for name in never if not without.fullmatch(re.split(r"\[", name)[0])), [],
              "fields without any value of which the docs say nothing")
    tap.equal(sorted(name for name in fields if name in seen and without.fullmatch(re.split(r"\[", name)[0])), [],
              "fields that have values though the docs say not")


if __name__ == "__main__":
    tap.main(globals())
