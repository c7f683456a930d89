# SPDX-License-Identifier: Apache-2.0
"""Real containers by runc: a bundle of busybox, and shells on a real pseudo terminal in it."""
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile

import tap

PROGRAMS = ["sh", "cat", "ls", "sleep", "nc", "id", "echo", "true", "cp", "ln", "mkdir", "chmod", "tty"]


def need_runc():
    if os.geteuid() != 0:
        tap.skip("root is needed to run containers")
    for program in ("runc", "busybox"):
        if not shutil.which(program):
            tap.skip(f"{program} is not installed")


def make_bundle(folder):
    root = pathlib.Path(folder) / "rootfs"
    for name in ("bin", "etc", "tmp", "proc", "dev", "sys", "root"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin" / "busybox")
    for name in PROGRAMS:
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\napp:x:1000:\n")
    (root / "etc/shadow").write_text("root:*:1::::::\n")
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    config = pathlib.Path(folder) / "config.json"
    spec = json.loads(config.read_text())
    spec["process"].pop("rlimits", None)  # small machines lack CAP_SYS_RESOURCE
    spec["process"]["terminal"] = False
    spec["process"]["args"] = ["sleep", "600"]
    spec["root"]["readonly"] = False
    config.write_text(json.dumps(spec))


class Container:
    """with Container("ab12…") as box: box.shell("cat /etc/shadow")"""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tercel-bundle-")
        make_bundle(self.folder)
        # Its output goes nowhere: a pipe would stay open as long as the container.
        subprocess.run(self.runc("run", "--detach", self.name), cwd=self.folder, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def runc(self, *arguments):
        return ["runc", "--root", os.path.join(self.folder, "state"), *arguments]

    def __exit__(self, *_):
        subprocess.run(self.runc("delete", "--force", self.name), check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command):
        """A command without a terminal; returns its exit status."""
        return subprocess.run(self.runc("exec", self.name, *command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def shell(self, *lines):
        """An interactive shell on a pseudo terminal of its own; returns what the terminal showed."""
        pid, terminal = pty.fork()
        if pid == 0:
            command = self.runc("exec", "--tty", self.name, "sh")
            os.execvp(command[0], command)
        os.write(terminal, ("\n".join(lines) + "\nexit\n").encode())
        shown = b""
        while select.select([terminal], [], [], 30)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        os.close(terminal)
        os.waitpid(pid, 0)
        return shown.decode(errors="replace")
