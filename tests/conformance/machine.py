# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with one of Debian's kernels and nothing but busybox and what it is given.

    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder)
        machine.add_program(BUILD / "sensor/tercel-sensor")
        output = machine.run(kernel("bullseye"), "/…/tercel-sensor --version")

Kernels come from the Debian archive by apt, into a cache of their own: the host's apt is not touched."""
import os
import pathlib
import re
import shutil
import subprocess

import tap

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "tercel-tests"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
BUSYBOX = "/bin/busybox"
# Between these the console has what the script prints.
BEGINS, ENDS = "machine-script-begins", "machine-script-ended"

INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /tmp /run /root /sys/fs/bpf /sys/fs/cgroup
mount -t tmpfs tmp /tmp
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tracefs trace /sys/kernel/tracing
ip link set lo up
exec 2>&1
echo "{BEGINS}"
. /script
echo "{ENDS} $?"
poweroff -f
"""


def apt(folder, *command):
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists", "Dir::Cache": folder, "Acquire::Languages": "none",
        "Acquire::Retries": 3, "APT::Sandbox::User": "root",
    }
    arguments = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return subprocess.run([command[0], *arguments, *command[1:]], cwd=folder, capture_output=True, text=True)


def download(release, folder):
    """The release's newest kernel package, as its path."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(f"deb [signed-by={KEYS}] http://deb.debian.org/debian {release} main\n")
    update = apt(folder, "apt-get", "update", "-q", "--error-on=any")
    if update.returncode:
        tap.skip(f"the Debian archive gives no list of {release}: {update.stderr.strip().splitlines()[-1]}")
    depends = apt(folder, "apt-cache", "depends", "--important", "linux-image-cloud-amd64").stdout
    package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
    answer = apt(folder, "apt-get", "download", "-q", package)
    if answer.returncode:
        tap.skip(f"the Debian archive gives no {package}: {answer.stderr.strip().splitlines()[-1]}")
    return next(folder.glob(f"{package}_*.deb"))


def kernel(release):
    """The path of the kernel of a Debian release (bullseye 5.10, bookworm 6.1, trixie 6.12)."""
    image = CACHE / f"vmlinuz-{release}"
    if not image.exists():
        folder = CACHE / release
        package = download(release, folder)
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
        shutil.copy(next((folder / "root/boot").glob("vmlinuz-*")), image)
        shutil.rmtree(folder)
    return image


class Machine:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root"
        for name in ("proc", "sys", "dev", "etc", "tmp"):
            (self.root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):  # as Debian has them
            (self.root / "usr" / name).mkdir(parents=True)
            (self.root / name).symlink_to(f"usr/{name}")
        shutil.copy(BUSYBOX, self.root / "bin/busybox")
        self.add_text("/init", INIT, 0o755)
        self.add_text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        self.add_text("/etc/group", "root:x:0:\n")
        self.add_text("/etc/shadow", "root:*:19000::::::\n", 0o600)

    def add_text(self, path, text, mode=0o644):
        where = self.root / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
        where.chmod(mode)

    def add_file(self, path):
        """A file of the host at the same place."""
        where = self.root / str(path).lstrip("/")
        if not where.exists():
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, where)

    def add_program(self, path):
        """A program of the host with the libraries that it is linked with, at the same places."""
        self.add_file(path)
        needs = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", needs):
            self.add_file(library)

    def pack(self):
        image = self.folder / "initramfs"
        with open(image, "wb") as out:
            names = subprocess.run(["find", "."], cwd=self.root, check=True, capture_output=True).stdout
            subprocess.run([BUSYBOX, "cpio", "-o", "-H", "newc"], cwd=self.root, check=True, input=names,
                           stdout=out, stderr=subprocess.DEVNULL)
        return image

    def run(self, image, script, seconds=600):
        """Boots, runs the script, and returns what it printed and its status."""
        self.add_text("/script", script)
        command = ["qemu-system-x86_64", "-machine", "accel=tcg", "-cpu", "max", "-smp", "2", "-m", "1500",
                   "-nographic", "-no-reboot", "-nic", "none", "-kernel", image, "-initrd", self.pack(),
                   "-append", "console=ttyS0 quiet panic=-1 mitigations=off"]
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                timeout=seconds)
        output = answer.stdout.replace("\r", "")
        script = re.search(rf"{BEGINS}\n(.*)^{ENDS} (\d+)$", output, re.MULTILINE | re.DOTALL)
        if not script:
            raise AssertionError(f"the machine did not come to its end:\n{output[-4000:]}{answer.stderr}")
        return script[1], int(script[2])
