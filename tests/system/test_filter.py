# SPDX-License-Identifier: Apache-2.0
"""The filter in the kernel changes no alert: one workload with it and without."""
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

import tap
from sensor import Sensor, written
from stack import BUILD, SOURCE, need_root

NAME = f"tcl-{os.getpid()}"
RING_BYTES = 128 << 20
RUNS = 5

# Opens of all kinds, links, renames of itself, children: each is told apart by its alert.
WORKLOAD = textwrap.dedent("""
    import ctypes, os, socket, subprocess, sys
    folder, name = sys.argv[1:]
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
    os.chdir(folder)
    def read(path, flags=os.O_RDONLY, **more):
        try:
            os.close(os.open(path, flags, **more))
        except OSError:
            pass
    for path in ("secret", "./secret", "other/../secret", f"{folder}/secret", f"{folder}//secret", "link",
                 f"{folder}/link", "other/deep/link", "deep-link", "absent", "other/x.ok", "other/x.bad",
                 f"{folder}/other/x.bad", "../" + os.path.basename(folder) + "/secret", "other/.hidden/a",
                 "/proc/self/root" + folder + "/secret", "/etc/hostname", "/usr", "/", ".", "/dev/null", "x" * 300):
        read(path)
        read(path, os.O_WRONLY)
    fd = os.open("other", os.O_RDONLY)
    for path in ("x.ok", "x.bad", "../secret", "deep/link"):
        read(path, dir_fd=fd)
    os.symlink("secret", "made-link")
    os.symlink(f"{folder}/secret", "made-link-2")
    os.link("secret", "made-hard-link")
    os.unlink("made-hard-link")
    os.mkdir("made-folder")
    os.rename("made-folder", "made-folder-2")
    os.chmod("secret", 0o600)
    os.dup2(fd, 200)
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 9))
    socket.socket(socket.AF_UNIX).close()
    ctypes.CDLL(None).prctl(15, (name + "-2").encode(), 0, 0, 0)
    for _ in range(50):
        read("/etc/hostname")
    subprocess.run(["/bin/true"])
    read("secret")
    read("the-end")
""")

PARTS = {
    "reads": "evt.type in (open, openat, openat2) and evt.is_open_read=true and fd.typechar='f' and fd.num>=0 "
             "and fd.name in (FOLDER/secret, FOLDER/none) and not proc.aname = nobody",
    "writes below": "evt.type in (open, openat) and evt.is_open_write=true and fd.name startswith FOLDER/other "
                    "and not fd.name endswith .ok",
    "fails": "evt.type = openat and evt.res = ENOENT and fd.name startswith FOLDER",
    "traverses": "evt.type = openat and fd.nameraw contains '../' and fd.num >= 0",
    "hidden": "evt.type = openat and fd.name contains /.hidden",
    "folder": "evt.type = openat and fd.directory = FOLDER/other and fd.filename in (x.ok, link)",
    "not so": "evt.type = openat and not fd.name startswith FOLDER and not fd.name pmatch (/etc, /usr, /proc, /lib)",
    "links": "evt.type in (symlink, symlinkat) and evt.arg.target in (secret, FOLDER/secret)",
    "hard links": "evt.type in (link, linkat) and evt.arg.oldpath = FOLDER/secret",
    "removes": "evt.type in (unlink, unlinkat, rename, renameat, renameat2, mkdir, mkdirat) and evt.rawres = 0",
    "changes": "evt.type in (chmod, fchmodat) and evt.arg.filename = FOLDER/secret",
    "dups": "evt.type in (dup, dup2, dup3) and evt.rawres = 200",
    "connects": "evt.type = connect and fd.typechar = 4",
    "sockets": "evt.type = socket and evt.arg.domain contains UNIX",
}
OUTPUT = "%evt.type name=%fd.name raw=%fd.nameraw view=%evt.path.view res=%evt.res args=%evt.arg.flags by=%proc.name"


def rules(folder, work):
    text = ""
    for name, condition in PARTS.items():
        condition = condition.replace("FOLDER", work)
        text += (f"- rule: {name}\n  desc: d\n  condition: proc.name in ({NAME}, {NAME}-2) and {condition}\n"
                 f"  output: \"{name} {OUTPUT}\"\n  priority: INFO\n")
    text += (f"- rule: child\n  desc: d\n  condition: evt.type = execve and proc.pname = {NAME}-2 and evt.res = SUCCESS\n"
             f"  output: \"child of %proc.pname\"\n  priority: INFO\n")
    text += (f"- rule: end\n  desc: d\n  condition: evt.type = openat and fd.filename = the-end "
             f"and proc.name startswith {NAME}\n  output: \"the end\"\n  priority: INFO\n")
    return written(folder, "rules.yaml", text)


def prepare(work):
    for name in ("other/deep", "other/.hidden"):
        os.makedirs(f"{work}/{name}")
    for name in ("secret", "other/x.ok", "other/x.bad", "other/.hidden/a"):
        pathlib.Path(work, name).touch()
    os.symlink("secret", f"{work}/link")
    os.symlink("../../secret", f"{work}/other/deep/link")
    os.symlink("other/deep", f"{work}/deep-link")


def run(filters):
    """The alerts, how many records the kernel rejected, and how many were lost."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
        prepare(work)
        script = written(folder, "workload.py", WORKLOAD)
        arguments = ("-r", rules(folder, work), "-v", "-o", "rule_matching=all", "-o", f"sensor.filter={filters}",
                     "-o", f"sensor.ring_size={RING_BYTES}")
        with Sensor(*arguments) as sensor:
            subprocess.run([sys.executable, script, work, NAME], check=True)
            tap.wait_for("the last alert", lambda: any("the end" in line for line in sensor.lines))
            sensor.stop()
            lines = [line.split(": ", 1)[-1].replace(work, "FOLDER") for line in sensor.lines if NAME in line
                     or "the end" in line]
            counts = re.search(r"Events: \d+ taken, (\d+) lost.*?, (\d+) rejected", "\n".join(sensor.log))
            lost, rejected = (int(number) for number in counts.groups())
    # Ports and the kernel's addresses are others in each run.
    lines = [re.sub(r"127.0.0.1:\d+->|ffff[0-9a-f]{12}->", "", re.sub(r"^\S+ ", "", line)) for line in lines]
    return sorted(line.replace(os.path.basename(work), "BASE").split(" container_id")[0] for line in lines), rejected, lost


def alerts(filters):
    """Of a run in which nothing was lost: a busy machine makes more records than one thread takes, all the more
    without the filter, and what is lost then says nothing of the filter."""
    for _ in range(RUNS):
        lines, rejected, lost = run(filters)
        if not lost:
            break
    assert not lost, f"records were lost in each of {RUNS} runs"
    return lines, rejected


def test_alerts_are_the_same_with_the_filter_and_without():
    need_root()
    without, none = alerts("false")
    with_it, rejected = alerts("true")
    tap.equal(none, 0)
    assert rejected > 50, rejected
    for name in list(PARTS) + ["child"]:
        assert any(name in line for line in without), f"the workload never alerts '{name}':\n" + "\n".join(without)
    difference = "\n".join(difflib.unified_diff(without, with_it, "without", "with", lineterm="", n=0))
    assert not difference, difference


def test_nothing_of_a_recorded_stream_is_lost_with_any_rules():
    need_root()
    official = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE / "../shared"), "data/rules")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
        script = written(folder, "workload.py", WORKLOAD)
        own = rules(folder, work)
        recording = f"{folder}/r.rec"
        with Sensor("-c", "/dev/null", "-r", own, "-o", f"sensor.record_file={recording}", "-o", "rule_matching=all",
                    "-o", "stdout_output.enabled=true") as sensor:
            # Enough calls of its own: what else goes on here is now more and now less.
            for number in range(1, 4):
                shutil.rmtree(work)
                prepare(work)
                subprocess.run([sys.executable, script, work, NAME], check=True)
                tap.wait_for("the last alert", lambda n=number: sum("the end" in line for line in sensor.lines) >= n)
            tap.equal(sensor.stop(), 0)
        sets = [[own], [str(SOURCE / "rules/tercel_rules.yaml")]]
        if official.is_dir():
            sets.append([str(path) for path in sorted(official.glob("falco*_rules.yaml"), key=lambda path: len(path.name))])
        for files in sets:
            done = subprocess.run([BUILD / "sensor/filter-recorded", recording, *files], capture_output=True, text=True,
                                  timeout=300)
            tap.equal(done.returncode, 0, done.stdout + done.stderr)
            numbers = {line.partition(":")[0]: [int(number) for number in re.findall(r"(\d+) ", line)]
                       for line in done.stdout.splitlines()}
            for calls, _, rejected, lost in numbers.values():
                print("#", calls, rejected, lost, files[0][-40:])
                tap.equal(lost, 0, done.stdout)
                assert calls > 200 and rejected * 10 > calls, done.stdout
            assert numbers["random"][1] * 20 > numbers["random"][0], done.stdout


if __name__ == "__main__":
    tap.main(globals())
