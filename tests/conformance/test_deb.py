#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package in a Debian of its own: it installs, what it brings starts and alerts there as its units
say, and it purges clean. Debian comes from its archive, once, into a cache."""
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
from machine import CACHE
from stack import SOURCE, free_port, get

MIRROR = "http://deb.debian.org/debian"
UNITS = ["dashboard", "forwarder", "responder", "sensor"]
PLAYBOOK = "- rule: x\n  actions: [{action: y, actionner: kubernetes:terminate}]\n"


def debian(depends, name="deb"):
    """The path of a tar of Debian 12 with these packages, and nothing that is not needed; kept by that name."""
    image = CACHE / f"bookworm-{name}-test.tar"
    if not image.exists():
        if not shutil.which("mmdebstrap"):
            tap.skip("mmdebstrap is not installed")
        CACHE.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={','.join(depends)}", "bookworm",
                               image.with_suffix(".part.tar"), MIRROR], capture_output=True, text=True)
        if done.returncode:
            tap.skip(f"the Debian archive gives no system: {done.stderr.strip().splitlines()[-1]}")
        os.rename(image.with_suffix(".part.tar"), image)
    return image


def package():
    done = subprocess.run([SOURCE / "tools/deb"], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    print("# " + done.stdout.strip().rpartition("/")[2], flush=True)
    return done.stdout.split()[0]


def files(root):
    """Path → how it looks, without what dpkg keeps for itself."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [one for one in folders if os.path.join(folder, one) not in
                      (f"{root}/proc", f"{root}/sys", f"{root}/dev", f"{root}/var/lib/dpkg", f"{root}/var/cache", f"{root}/tmp")]
        for name in names + folders:
            path = pathlib.Path(folder, name)
            found[str(path.relative_to(root))] = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    return found


class Host:
    """A Debian of its own: with Host(folder) as host: host.run("dpkg", "-i", …)"""

    def __init__(self, folder, depends):
        self.root = pathlib.Path(folder, "root")
        self.root.mkdir()
        subprocess.run(["tar", "-xf", debian(depends), "-C", self.root], check=True)
        self.processes = []

    def __enter__(self):
        for name, options in (("proc", ["-t", "proc", "proc"]), ("sys", ["--rbind", "/sys"]), ("dev", ["--rbind", "/dev"])):
            subprocess.run(["mount", *options, self.root / name], check=True)
            subprocess.run(["mount", "--make-rslave", self.root / name], check=False, capture_output=True)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)
        for name in ("dev", "sys", "proc"):
            subprocess.run(["umount", "-R", "-l", self.root / name], check=False, capture_output=True)

    def run(self, *command):
        done = subprocess.run(["chroot", self.root, *command], capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name, extra=(), environment=()):
        """Starts a program as its unit says: command, user, capabilities, folders; waits for READY=1."""
        text = (self.root / f"usr/lib/systemd/system/tercel-{name}.service").read_text()
        unit = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
        owner = self.run("id", "-u", "tercel").strip() if unit.get("User") else "0"
        for key, place in (("StateDirectory", "var/lib"), ("RuntimeDirectory", "run"), ("LogsDirectory", "var/log")):
            if key in unit:
                path = self.root / place / unit[key]
                path.mkdir(parents=True, exist_ok=True)
                os.chown(path, int(owner), int(owner))
        notify = f"/run/notify-{name}"
        box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        box.bind(str(self.root) + notify)
        os.chmod(str(self.root) + notify, 0o666)
        box.settimeout(40)
        kept = unit["CapabilityBoundingSet"].lower().replace("cap_", "+").split()
        words = shlex.split(unit["ExecStart"])
        variables = [f"NOTIFY_SOCKET={notify}", f"STATE_DIRECTORY=/var/lib/{unit['StateDirectory']}", *environment]
        if "EnvironmentFile" in unit:
            lines = (self.root / unit["EnvironmentFile"].lstrip("-/")).read_text().splitlines()
            variables = [line for line in lines if "=" in line and line[0] != "#"] + variables
        user = ["--reuid", owner, "--regid", owner, "--clear-groups"] if owner != "0" else []
        log = open(f"{self.root}/tmp/{name}.log", "w", encoding="utf-8")
        self.processes.append(subprocess.Popen(
            ["chroot", self.root, "env", "-i", "PATH=/usr/bin:/bin", *variables, "setpriv", "--no-new-privs", *user,
             "--bounding-set", ",".join(["-all", *kept]), "--inh-caps", ",".join(["-all", *kept]), *words, *extra],
            stdout=log, stderr=subprocess.STDOUT))
        try:
            tap.equal(box.recv(100).split(b"\n")[0], b"READY=1", name)
        except TimeoutError:
            raise AssertionError(f"{name} is not ready:\n{self.log(name)}") from None

    def log(self, name):
        return (self.root / f"tmp/{name}.log").read_text(errors="replace")


def completes(host):
    """bash finds the file by the command's name; what its function offers is what the program knows."""
    script = "source /usr/share/bash-completion/completions/tercel; complete -p tercel; COMP_WORDS=({}); COMP_CWORD={}; _tercel tercel {}; echo ${{COMPREPLY[@]}}"
    said = host.run("bash", "-c", script.format("tercel se", 1, "se")).splitlines()
    tap.equal(said, ["complete -o default -F _tercel tercel", "sensor settings"], "commands")
    said = host.run("bash", "-c", script.format("tercel responder --dry", 2, "--dry")).splitlines()
    tap.equal(said[1], "--dry-run", "flags")
    said = host.run("bash", "-c", script.format("tercel settings res", 2, "res")).splitlines()
    tap.equal(said[1], "responder", "programs")


def test_it_installs_starts_alerts_and_purges_clean():
    if os.geteuid() != 0:
        tap.skip("root is needed to change into another system")
    deb = package()
    depends = re.sub(r" \([^)]*\)", "", subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True,
                                                       text=True).stdout).strip().split(", ")
    with tempfile.TemporaryDirectory(prefix="tercel-deb-") as folder, Host(folder, depends) as host:
        before = files(host.root)
        shutil.copy(deb, host.root / "tmp/tercel.deb")
        host.run("dpkg", "--install", "/tmp/tercel.deb")
        tap.equal(host.run("dpkg", "--verify", "tercel"), "", "files that are not as they were packed")
        wanted = host.root / "etc/systemd/system/multi-user.target.wants"
        tap.equal(sorted(one.name for one in wanted.glob("tercel-*")), sorted(f"tercel-{one}.service" for one in UNITS),
                  "units that start with the system")
        tap.equal((host.root / "etc/tercel/forwarder.yaml").stat().st_mode & 0o777, 0o640, "mode of a file that may hold keys")
        settings = [f"/etc/tercel/{name}.yaml" for name in ("sensor", "forwarder", "responder")]
        tap.equal(host.run("tercel", "check", *settings), "".join(f"{path}: ok\n" for path in settings), "its settings")
        completes(host)

        # This machine's ports may be taken: free ones in place of 2801 and 2802, nothing else differs.
        page = free_port()
        host.start("dashboard", extra=["--port", str(page)])
        host.start("forwarder", environment=[f"LISTENPORT={free_port()}"])
        (host.root / "etc/tercel/playbooks.yaml").write_text(PLAYBOOK)
        host.start("responder", extra=["--port", str(free_port())])
        host.start("sensor")
        login = (host.root / "run/tercel/dashboard/first-login").read_text().split()
        tap.equal((host.root / "run/tercel/dashboard/first-login").stat().st_mode & 0o077, 0, "others may read the login")
        host.run("cat", "/etc/shadow")

        def shown():
            found = json.loads(get(f"http://127.0.0.1:{page}/api/v1/events/search?limit=100", *login))["results"]
            return [one for one in found if one["rule"] == "Read sensitive file untrusted"]
        try:
            tap.wait_for("the alert on the dashboard", shown)
        except AssertionError as why:
            raise AssertionError(f"{why}\n{host.log('sensor')}\n{host.log('forwarder')}") from None
        tap.equal("Sensitive file opened" in host.log("sensor"), True, "the alert is on the sensor's stdout, the journal's")
        for process in reversed(host.processes):
            process.terminate()
            tap.equal(process.wait(20), 0, "a clean end")
        host.processes.clear()

        host.run("dpkg", "--purge", "tercel")
        for path in (host.root / "run").glob("*"):  # systemd's to remove: RuntimeDirectory=
            if path.name.startswith(("tercel", "notify-")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        after = files(host.root)
        # The user's line is gone again; useradd keeps a copy of the file before, and dpkg a log.
        noise = re.compile(r"var/log/|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|etc/\.pwd\.lock")
        left = sorted(path for path in after if after[path] != before.get(path, b"none") and not noise.match(path))
        tap.equal([one for one in left if after[one] is not None or one not in before], [], "left by a purge")
        for name in ("passwd", "group", "shadow"):
            tap.equal(b"tercel" in (after[f"etc/{name}"] or b""), False, f"tercel in /etc/{name}")


def test_completions_are_what_their_shells_take():
    folder = SOURCE / "build/package/root/usr/share"
    for shell, file in (("zsh", "zsh/site-functions/_tercel"), ("fish", "fish/vendor_completions.d/tercel.fish")):
        if not shutil.which(shell):
            print(f"# {shell} is not installed: its completions were not read", flush=True)
            continue
        done = subprocess.run([shell, "-n", folder / file], capture_output=True, text=True)
        tap.equal((done.returncode, done.stderr), (0, ""), shell)
    if shutil.which("fish"):
        said = subprocess.run(["fish", "--no-config", "-c", f"source {folder}/fish/vendor_completions.d/tercel.fish; complete -C 'tercel se'"],
                              cwd="/proc/self/fdinfo", check=True, capture_output=True, text=True).stdout  # no file there begins so
        tap.equal([line.split("\t")[0] for line in said.splitlines()], ["sensor", "settings"], "fish")


def test_the_units_are_valid_and_closed():
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        tap.skip("systemd-analyze is not installed")
    for name in UNITS:
        unit = SOURCE / f"build/package/root/usr/lib/systemd/system/tercel-{name}.service"
        done = subprocess.run([analyze, "security", "--offline=yes", unit], capture_output=True, text=True)
        score = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        if not score:
            raise AssertionError(done.stdout[-500:] + done.stderr)
        print(f"# tercel-{name}.service: systemd-analyze security {score[1]} (0 is best)", flush=True)
        # systemd-analyze calls 4 and less "OK"; the sensor is root and reads other processes.
        tap.equal(float(score[1]) < (4 if name == "sensor" else 2), True, f"{name}: {score[1]}")


if __name__ == "__main__":
    tap.main(globals())
