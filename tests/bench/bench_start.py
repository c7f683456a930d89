#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long the sensor takes from its exec to where the first alert is possible, and what memory it
keeps then: with all official rules (found in ../shared or $TERCEL_SHARED, else those that we ship),
once with 500 and once with 10,000 more processes, which are real ones: forks of this script that
sleep. Processor time stands beside the wall's, for that is stretched by other load.

usage: bench_start.py BUILD-FOLDER"""
import os
import pathlib
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
COUNTS = (500, 10000)
STARTS = 5
IDLE_S = 2


def rules_files():
    shared = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared")) / "data/rules"
    official = [shared / f"falco{kind}_rules.yaml" for kind in ("", "-incubating", "-sandbox")]
    found = [str(path) for path in official if path.exists()]
    return found or [str(SOURCE / "rules/tercel_rules.yaml")]


def sleepers(count):
    """So many processes that only sleep, in a session of their own with one parent: its pid."""
    ready, told = os.pipe()
    leader = os.fork()
    if leader:
        os.close(told)
        os.read(ready, 1)
        os.close(ready)
        return leader
    os.setsid()
    for _ in range(count):
        if os.fork() == 0:
            signal.pause()
    os.write(told, b"x")
    signal.pause()
    return None


def processor_ms(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def resident(pid):
    """What is resident, MB: in all, its proportional part, what is its own, and the kernel's ring."""
    sizes = {"Rss": 0, "Pss": 0, "Private_Dirty": 0, "ring": 0}
    mapping = ""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            if "-" in name:
                mapping = line
            elif name in sizes:
                sizes[name] += int(value.split()[0]) / 1024
            if name == "Rss" and "bpf-map" in mapping:
                sizes["ring"] += int(value.split()[0]) / 1024
    return tuple(sizes.values())


def start(sensor, rules):
    """Wall and processor time until it watches, ms; what is resident after a while, MB."""
    arguments = [word for file in rules for word in ("-r", file)]
    begin = time.monotonic()
    process = subprocess.Popen([sensor, "-o", "stdout_output.enabled=false", *arguments],
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "watching with" in line:
            break
    else:
        sys.exit("the sensor did not start")
    wall = (time.monotonic() - begin) * 1000
    processor = processor_ms(process.pid)
    time.sleep(IDLE_S)
    sizes = resident(process.pid)
    process.terminate()
    process.wait()
    return wall, processor, *sizes


def main():
    if os.geteuid():
        sys.exit("root is needed to start the sensor")
    sensor = pathlib.Path(sys.argv[1]) / "sensor/tercel-sensor"
    rules = rules_files()
    print("rules:", " ".join(os.path.basename(file) for file in rules))
    for count in COUNTS:
        leader = sleepers(count)
        try:
            runs = sorted(start(sensor, rules) for _ in range(STARTS))
        finally:
            os.killpg(leader, signal.SIGKILL)
            os.waitpid(leader, 0)
        wall, _, total, proportional, own, ring = runs[len(runs) // 2]
        processor = sorted(run[1] for run in runs)[len(runs) // 2]
        print(f"{count:6} processes: start {wall:.0f} ms (least {runs[0][0]:.0f}), {processor} ms of "
              f"processor; resident {total:.1f} MB (Pss {proportional:.1f}): {own:.1f} its own, {ring:.1f} the "
              f"kernel's ring, the rest shared with files")
        sys.stdout.flush()


main()
