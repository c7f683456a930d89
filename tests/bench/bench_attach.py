#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The two hooks beside each other (sensor.attach raw and syscalls), and no sensor, in turn in one run:
what a call that nobody watches costs, and an open, a read and a close, with the official stable rules
(../shared) or those that we ship.

usage: bench_attach.py BUILD-FOLDER"""
import os
import pathlib
import signal
import statistics
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("ROUNDS", 7))
HOOKS = ("none", "raw", "syscalls")

# kind of bench-loop, turns, goals by hook in ns, what it is
ROWS = [
    ("getppid", 3000000, {"raw": 110, "syscalls": 40}, "a call that nobody watches"),
    ("open", 500000, {"raw": 500, "syscalls": 400}, "open, read and close of a file that no rule asks for"),
]


def rules():
    shared = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared"))
    official = shared / "data/rules/falco_rules.yaml"
    return str(official if official.exists() else SOURCE / "rules/tercel_rules.yaml")


def start(build, hook):
    """A sensor with a tracefs of its own; None without one."""
    if hook == "none":
        return None
    command = (f"[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; "
               f"exec {build}/sensor/tercel-sensor -r {rules()} -o stdout_output.enabled=false -o sensor.attach={hook}")
    sensor = subprocess.Popen(["unshare", "-m", "sh", "-c", command], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    for line in sensor.stderr:
        if 'at the hook' in line and f'\\"{hook}\\"' not in line:
            sys.exit(f"bench_attach: {line}")
        if "watching with" in line:
            return sensor
    sys.exit("bench_attach: the sensor ended")


def turn(build, kind, turns):
    return float(subprocess.run([build / "tests/bench/bench-loop", kind, str(turns)], check=True,
                                capture_output=True, text=True).stdout)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if os.geteuid():
        sys.exit("root is needed to load kernel programs")
    print(f"rules {os.path.basename(rules())}, {ROUNDS} rounds; load {os.getloadavg()[0]:.1f}")
    found = {(row[0], hook): [] for row in ROWS for hook in HOOKS}
    for _ in range(ROUNDS):
        for hook in HOOKS:
            sensor = start(build, hook)
            for kind, turns, _, _ in ROWS:
                found[kind, hook].append(turn(build, kind, turns))
            if sensor:
                sensor.send_signal(signal.SIGINT)
                sensor.stderr.read()
                sensor.wait()
    for kind, _, goals, what in ROWS:
        base = statistics.median(found[kind, "none"])
        print(f"{kind}: {what}: {base:.0f} ns without a sensor")
        for hook in HOOKS[1:]:
            # A machine's noise comes in waves: each round has its own base.
            added = statistics.median(a - b for a, b in zip(found[kind, hook], found[kind, "none"]))
            print(f"    {hook:10} {added:+7.0f} ns  goal +{goals[hook]}{'' if added <= goals[hook] else ': missed'}")


main()
