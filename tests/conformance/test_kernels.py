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
)"""


def kernel_tests():
    """The commands of the suite."""
    listed = subprocess.run(["meson", "introspect", "--tests", BUILD], check=True, capture_output=True, text=True)
    return [test["cmd"] for test in json.loads(listed.stdout)
            if any(suite.endswith(":kernel") for suite in test["suite"])]


def run(release, commands):
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
        steps = [" ".join(command) for command in commands] + [ATTACK]
        return machine.run(kernel(release), "\n".join(
            ["uname -r; status=0", *(f"{step} || status=1" for step in steps), "[ $status = 0 ]", ""]))


def check(release):
    commands = kernel_tests()
    if not commands:
        raise AssertionError("meson lists no test in the suite kernel")
    output, status = run(release, commands)
    results = RESULT.findall(output)
    print(f"# {output.splitlines()[0]}: {len(results)} results")
    if status or any(word != "ok" for word, _ in results):
        raise AssertionError(output)
    alerts = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if not any(alert["output_fields"].get("fd.name") == "/etc/shadow" for alert in alerts):
        raise AssertionError(f"no alert names /etc/shadow:\n{output}")


def test_5_10_of_bullseye_sees_what_we_see_here():
    check("bullseye")


def test_6_1_of_bookworm_sees_what_we_see_here():
    check("bookworm")


def test_6_12_of_trixie_sees_what_we_see_here():
    check("trixie")


if __name__ == "__main__":
    tap.main(globals())
