#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The sensor on older kernels: Debian's, in a virtual machine. What runs there are the unit tests that
meson lists in the suite `kernel`, and the sensor itself with the rules that we ship."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
from machine import Machine, kernel
from stack import BUILD, SOURCE

RULES = SOURCE / "rules/tercel_rules.yaml"
RESULT = re.compile(r"^(ok|not ok) \d+ - (.*)$", re.MULTILINE)

SENSOR = BUILD / "sensor/tercel-sensor"

# A file that only the programs of the login have reason to read, and what the sensor says of it.
ATTACK = f"""(
{SENSOR} -c /config.yaml >/tmp/alerts 2>/tmp/log &
n=0
until cat /etc/shadow >/dev/null; grep -q /etc/shadow /tmp/alerts; do
	n=$((n + 1))
	[ $n -lt 300 ] || {{ cat /tmp/log /tmp/alerts; exit 1; }}
	usleep 100000
done
cat /tmp/alerts
kill $! && wait $!
! grep 'come to the rules' /tmp/log
)"""

# Where engines put a container, and the id that it has there. %s is one of 64 digits.
PATHS = [
    ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5f6a.slice/crio-%s.scope", "OpenShift"),
    ("/kubepods.slice/kubepods-pod5f6b.slice/crio-%s.scope/container", "CRI-O with crun"),
    ("/kubepods.slice/kubepods-pod5f6c.slice/cri-containerd-%s.scope", "containerd under systemd"),
    ("/kubepods/besteffort/pod5f6d/%s", "containerd with cgroupfs"),
    ("/docker/%s", "Docker with cgroupfs"),
    ("/system.slice/docker-%s.scope", "Docker under systemd"),
    ("/machine.slice/libpod-%s.scope/container", "Podman"),
    ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope", "rootless Podman"),
]
VERSION_1 = """roots=
for name in memory pids cpuset devices freezer; do
	mkdir /sys/fs/cgroup/$name; mount -t cgroup -o $name cgroup /sys/fs/cgroup/$name || exit 1
	echo 1 >/sys/fs/cgroup/$name/cgroup.clone_children
	roots="$roots /sys/fs/cgroup/$name"
done"""
# How a distribution mounts cgroups; `roots` are the folders where an engine puts a process.
MOUNTS = {
    "v2": "mount -t cgroup2 cgroup /sys/fs/cgroup; roots=/sys/fs/cgroup",
    "v1": f"mount -t tmpfs cgroup /sys/fs/cgroup; {VERSION_1}",
    "hybrid": f"""mount -t tmpfs cgroup /sys/fs/cgroup
mkdir /sys/fs/cgroup/unified; mount -t cgroup2 cgroup /sys/fs/cgroup/unified
{VERSION_1}""",
}
CGROUP_RULE = """
- rule: File read in a container
  desc: by whoever is in one
  condition: evt.type in (open, openat, openat2) and fd.name = /etc/marker and container.id != host
  output: "%container.full_id"
  priority: NOTICE
"""


def cgroups_script(mounts):
    """Puts a process into each path, and prints the sensor's alerts of what each reads there."""
    enter = "\n".join(f"enter {path % container_of(number)}" for number, (path, _) in enumerate(PATHS))
    return f"""(
umount /sys/fs/cgroup/* 2>/dev/null; umount /sys/fs/cgroup
{mounts}
enter() {{
	for root in $roots; do mkdir -p $root$1; done
	sh -c 'path=$1; shift; for root; do echo $$ >$root$path/cgroup.procs || exit 1; done; exec cat /etc/marker >/dev/null' sh $1 $roots
}}
{SENSOR} -c /cgroups.yaml >/tmp/cgroup-alerts 2>/tmp/log &
n=0
until [ $(grep -o 'container.full_id":"[0-9a-f]*"' /tmp/cgroup-alerts | sort -u | wc -l) = {len(PATHS)} ]; do
	{enter}
	n=$((n + 1))
	[ $n -lt 100 ] || break
	usleep 100000
done
cat /tmp/cgroup-alerts
kill $! && wait $!
)"""


def container_of(number):
    return f"{number:064x}"


def kernel_tests():
    """The commands of the suite."""
    listed = subprocess.run(["meson", "introspect", "--tests", BUILD], check=True, capture_output=True, text=True)
    return [test["cmd"] for test in json.loads(listed.stdout)
            if any(suite.endswith(":kernel") for suite in test["suite"])]


def boot(release, commands, steps):
    """Runs the steps on that kernel with what the commands need."""
    if not pathlib.Path("/usr/bin/qemu-system-x86_64").exists():
        tap.skip("qemu-system-x86 is not installed")
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder)
        for command in commands:
            machine.add_program(command[0])
            for argument in command[1:]:
                if pathlib.Path(argument).is_file():
                    machine.add_file(argument)
        machine.add_program(SENSOR)
        machine.add_program("/usr/bin/true")
        machine.add_text("/etc/hostname", "machine\n")
        machine.add_file(RULES)
        machine.add_text("/config.yaml", f"rules_files: [{RULES}]\njson_output: true\nstdout_output: {{enabled: true}}\n")
        machine.add_text("/etc/marker", "read me\n")
        machine.add_text("/cgroups.yaml", json.dumps({
            "rules_files": ["/cgroups_rules.yaml"], "json_output": True, "stdout_output": {"enabled": True}}))
        machine.add_text("/cgroups_rules.yaml", CGROUP_RULE)
        return machine.run(kernel(release), "\n".join(
            ["uname -r; status=0", *(f"{step} || status=1" for step in steps), "[ $status = 0 ]", ""]))


def check(release):
    commands = kernel_tests()
    if not commands:
        raise AssertionError("meson lists no test in the suite kernel")
    output, status = boot(release, commands, [" ".join(command) for command in commands] + [ATTACK])
    results = RESULT.findall(output)
    print(f"# {output.splitlines()[0]}: {len(results)} results")
    if status or any(word != "ok" for word, _ in results):
        raise AssertionError(output)
    alerts = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if not any(alert["output_fields"].get("fd.name") == "/etc/shadow" for alert in alerts):
        raise AssertionError(f"no alert names /etc/shadow:\n{output}")


def check_cgroups(mounts):
    output, status = boot("bookworm", [], [cgroups_script(MOUNTS[mounts])])
    if status:
        raise AssertionError(output)
    got = {json.loads(line)["output_fields"]["container.full_id"] for line in output.splitlines() if line.startswith("{")}
    missing = [f"{who}: {path}" for number, (path, who) in enumerate(PATHS) if container_of(number) not in got]
    tap.equal(missing, [], "containers without their id")
    tap.equal(len(got), len(PATHS), "ids")


def test_cgroups_of_version_2_name_their_containers():
    check_cgroups("v2")


def test_cgroups_of_version_1_name_their_containers():
    check_cgroups("v1")


def test_cgroups_of_both_versions_name_their_containers():
    check_cgroups("hybrid")


def test_5_10_of_bullseye_sees_what_we_see_here():
    check("bullseye")


def test_6_1_of_bookworm_sees_what_we_see_here():
    check("bookworm")


def test_6_12_of_trixie_sees_what_we_see_here():
    check("trixie")


if __name__ == "__main__":
    tap.main(globals())
