#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What being watched costs: workloads with and without the sensor, alternating in one run, with the
official stable rules (../shared) or those that we ship. For each: the slowdown of the workload, the
sensor's CPU, calls that the kernel programs saw and records that reached the rules, what was lost.
The first rows come once more with all three official files.
Falco's figures on the same kind of machine stand beside (another run, so only the ratios compare).

usage: bench_cost.py BUILD-FOLDER [ROW …]"""
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAIRS = int(os.environ.get("PAIRS", 3))
TICK = os.sysconf("SC_CLK_TCK")


def rules(kinds):
    """The official files of these kinds; those that we ship where they are not."""
    folder = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared")) / "data/rules"
    official = [folder / f"falco{kind}_rules.yaml" for kind in kinds]
    return [str(path) for path in official if path.exists()] or [str(SOURCE / "rules/tercel_rules.yaml")]


STABLE = rules([""])
ALL = rules(["", "-incubating", "-sandbox"])


class Sensor:
    def __init__(self, build, files):
        arguments = [word for path in files for word in ("-r", path)]
        self.process = subprocess.Popen([build / "sensor/tercel-sensor", *arguments, "-v",
                                         "-o", "stdout_output.enabled=false"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        begin = time.monotonic()
        for line in self.process.stderr:
            if "watching with" in line:
                break
        self.start = time.monotonic() - begin
        self.cpu = self.cpu_now()

    def cpu_now(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self):
        """CPU seconds, calls seen, records taken, lost"""
        cpu = self.cpu_now() - self.cpu
        self.process.send_signal(signal.SIGINT)
        text = self.process.stderr.read()
        self.process.wait()
        found = re.search(r"Events: (\d+) taken, (\d+) lost.*?, (\d+) rejected", text)
        if not found:
            sys.exit(f"bench_cost: the sensor said nothing of its events:\n{text}")
        taken, lost, rejected = (int(number) for number in found.groups())
        return cpu, taken + lost + rejected, taken, lost


def loop(kind, turns):
    def run(build, _):
        return float(subprocess.run([build / "tests/bench/bench-loop", kind, str(turns)], check=True,
                                    capture_output=True, text=True).stdout)
    return run


def cpu_of(command, **options):
    begin = os.times()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    end = os.times()
    return end.children_user + end.children_system - begin.children_user - begin.children_system


def compile_base(_, folder):
    files = sorted((SOURCE / "base").glob("*.c"))
    return sum(cpu_of(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-I", SOURCE, "-O2", "-c", path, "-o",
                       f"{folder}/one.o"]) for path in files[:16])


def find_usr(_, __):
    return cpu_of(["find", "/usr", "-name", "nothing-is-called-so"])


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_port(port):
    for _ in range(500):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    sys.exit(f"bench_cost: nobody listens on port {port}")


def web(_, folder):
    port = free_port()
    os.chmod(folder, 0o755)
    (pathlib.Path(folder) / "index.html").write_text("x" * 1024)
    (pathlib.Path(folder) / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;\n"
        "events {}\nhttp { access_log off; keepalive_requests 100; "
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n")
    server = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        out = subprocess.run(["wrk", "-t1", "-c8", "-d2s", f"http://127.0.0.1:{port}/"], check=True,
                             capture_output=True, text=True).stdout
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()
    return 1e6 / float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def redis(_, folder):
    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--dir", folder],
                              stdout=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        out = subprocess.run(["redis-benchmark", "-p", str(port), "-n", "100000", "-t", "get", "--csv"], check=True,
                             capture_output=True, text=True).stdout
    finally:
        server.terminate()
        server.wait()
    return 1e6 / float(out.splitlines()[-1].split(",")[1].strip('"'))


# Why a goal may be missed, as far as it was found out.
WHY = {
    "getppid": "the raw hook makes every call leave by the kernel's slow path, whatever the program does there",
    "open+read+close": "three calls pass the raw hook, about 85 ns each as the row above says; the rest is the record "
                       "of the open: its text, the walk of what was opened, the filter (not measured apart)",
}

# name, unit, what gives the figure, turns in it, goal, Falco
ROWS = [
    ("getppid", "ns", loop("getppid", 4000000), 4000000, "+110 ns", "+93…200 ns"),
    ("open+read+close", "ns", loop("open", 800000), 800000, "+500 ns", "+843…1500 ns, 2…3.9 µs a turn"),
    ("the same, watched", "ns", loop("watched", 200000), 200000, "", ""),
    ("fork+exec", "ns", loop("spawn", 1000), 1000, "", "x1.04…1.10, 150 µs a turn"),
    ("wrk on nginx", "µs", web, 0, "x1.015", "x1.06"),
    ("redis-benchmark", "µs", redis, 0, "", "x1.08"),
    ("compile", "s", compile_base, 0, "x1.015", "x1.05"),
    ("find /usr", "s", find_usr, 0, "", "x1.14"),
]

ROWS_WITH_ALL = 4


def row(build, files, name, unit, measure, turns, goal, falco):
    without, with_it, cpu, seen, taken, lost = [], [], 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        measure(build, folder)
        for _ in range(PAIRS):
            without.append(measure(build, folder))
            sensor = Sensor(build, files)
            with_it.append(measure(build, folder))
            one = sensor.stop()
            cpu, seen, taken, lost = cpu + one[0], seen + one[1], taken + one[2], lost + one[3]
    base, watched = statistics.median(without), statistics.median(with_it)
    each = f"{cpu / PAIRS / turns * 1e6:.2f} µs a turn" if turns else f"{cpu / PAIRS:.2f} s"
    rejected = 100 * (1 - taken / seen) if seen else 0
    print(f"{name:18} {base:10.4g} {watched:10.4g} {unit:2} {watched - base:+9.3g}  x{watched / base:.3f}  "
          f"sensor {each:14}  seen {seen:9} taken {taken:8} ({rejected:5.2f} % rejected) lost {lost}"
          f"  goal {goal or '-'}; Falco {falco or '-'}")
    figure = re.match(r"([+x])([\d.]+)", goal)
    reached = watched - base if figure and figure[1] == "+" else watched / base
    if figure and reached > float(figure[2]):
        print(f"{'':18} the goal is missed: {WHY.get(name, 'not found out')}")
    sys.stdout.flush()


def names(files):
    return ", ".join(os.path.basename(path) for path in files)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if os.geteuid():
        sys.exit("root is needed to load kernel programs")
    sensor = Sensor(build, STABLE)
    print(f"rules {names(STABLE)}, {PAIRS} pairs; load {os.getloadavg()[0]:.1f}; "
          f"start {sensor.start * 1000:.0f} ms (goal 300, Falco 1900), "
          f"resident {sensor.resident():.0f} MB (goal 20, Falco 69…76)")
    sensor.stop()
    for one in ROWS:
        needs = {"wrk on nginx": ("wrk", "nginx"), "redis-benchmark": ("redis-server", "redis-benchmark")}
        missing = [program for program in needs.get(one[0], ()) if not shutil.which(program)]
        if missing:
            print(f"{one[0]:18} left out: no {' and no '.join(missing)} here")
        elif len(sys.argv) < 3 or one[0] in sys.argv[2:]:
            row(build, STABLE, *one)
    if ALL == STABLE:
        return
    print(f"rules {names(ALL)}")
    for one in ROWS[:ROWS_WITH_ALL]:
        if len(sys.argv) < 3 or one[0] in sys.argv[2:]:
            row(build, ALL, *one)


main()
