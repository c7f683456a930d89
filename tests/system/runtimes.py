# SPDX-License-Identifier: Apache-2.0
"""Real runtimes, each on a root and socket of its own: containerd (by CRI), dockerd, podman. And a
slow line to one. Nothing of the host's own runtimes is touched."""
import contextlib
import glob
import importlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid

import tap
from stack import BUILD

IMAGE = "registry.example/team/shop:1.2"
OTHER_IMAGE = "registry.example/other/tool:3"
REPOSITORY, TAG = IMAGE.split(":")
LABELS = {"team": "blue", "com.example/app": "web"}
PROGRAMS = ["sh", "cat", "true", "sleep", "echo"]
SYSTEM_PYTHON = "/usr/lib/python3/dist-packages"


def need(*programs):
    if os.geteuid() != 0:
        tap.skip("root is needed to run containers")
    for program in (*programs, "umoci", "skopeo", "busybox", "runc"):
        if not shutil.which(program):
            tap.skip(f"{program} is not installed")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}{done.stdout}")
    return done.stdout


def make_image(folder):
    """A docker archive of busybox under two names."""
    folder = pathlib.Path(folder)
    archive = folder / "image.tar"
    run("umoci", "init", "--layout", "oci", cwd=folder)
    run("umoci", "new", "--image", "oci:one", cwd=folder)
    run("umoci", "unpack", "--image", "oci:one", "bundle", cwd=folder)
    root = folder / "bundle/rootfs"
    for name in ("bin", "etc", "tmp", "proc", "dev", "sys", "data"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in PROGRAMS:
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
    (root / "etc/shadow").write_text("root:*:1::::::\n")
    run("umoci", "repack", "--image", "oci:one", "bundle", cwd=folder)
    labels = [word for key, value in LABELS.items() for word in ("--config.label", f"{key}={value}")]
    run("umoci", "config", "--image", "oci:one", "--config.env", "PATH=/bin", "--config.cmd", "sleep",
        "--config.cmd", "600", *labels, cwd=folder)
    run("skopeo", "--insecure-policy", "copy", "oci:oci:one", f"docker-archive:{archive}:{IMAGE}",
        "--additional-tag", OTHER_IMAGE, cwd=folder)
    return str(archive)


def make_new_image(folder, name):
    """One more, with an id of its own, from what make_image() left."""
    archive = pathlib.Path(folder) / f"new-{uuid.uuid4()}.tar"
    run("umoci", "config", "--image", "oci:one", "--tag", "new", "--config.label", f"made={uuid.uuid4()}", cwd=folder)
    run("skopeo", "--insecure-policy", "copy", "oci:oci:new", f"docker-archive:{archive}:{name}", cwd=folder)
    return str(archive)


class Daemon:
    """with Containerd() as runtime: … runtime.socket, runtime.key (in container_engines)"""

    def __enter__(self):
        # Sockets have short paths.
        self.folder = tempfile.mkdtemp(prefix="tercel-rt-", dir="/tmp")
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = None
        self.archive = make_image(self.folder)
        self.prepare()
        self.start()
        return self

    def start(self):
        # A test that is killed leaves no daemon behind.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *self.command()], stdout=self.log, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        tap.wait_for(f"{type(self).__name__} to listen", self.listens, 60)

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(pathlib.Path(self.folder, "log").read_text(errors="replace")[-2000:])
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(self.socket)
            return True
        except OSError:
            return False

    def stop(self):
        """Ends the daemon; its containers live on."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def prepare(self):
        pass

    def clean(self):
        pass

    def __exit__(self, *_):
        try:
            if self.process.poll() is not None:
                self.start()
            self.clean()
        finally:
            self.stop()
            self.log.close()
            unmount_below(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)


def unmount_below(folder):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        paths = [line.split()[1] for line in mounts]
    for path in reversed([path for path in paths if path.startswith(folder + "/")]):
        subprocess.run(["umount", "-l", path], check=False, capture_output=True)


def load_cri(folder):
    """The messages of cri.proto, by Debian's grpc, which only Debian's python has."""
    if SYSTEM_PYTHON not in sys.path:
        sys.path.append(SYSTEM_PYTHON)
    try:
        compiler = importlib.import_module("grpc_tools.protoc")
        grpc = importlib.import_module("grpc")
    except ImportError as why:
        tap.skip(f"python3-grpcio and python3-grpc-tools are needed in {sys.executable}: {why}")
    here = str(pathlib.Path(__file__).parent)
    compiler.main(["protoc", f"-I{here}", f"--python_out={folder}", f"--grpc_python_out={folder}", "cri.proto"])
    if folder not in sys.path:
        sys.path.insert(0, folder)
    if "cri_pb2" in sys.modules:
        return grpc, sys.modules["cri_pb2"], sys.modules["cri_pb2_grpc"]
    return grpc, importlib.import_module("cri_pb2"), importlib.import_module("cri_pb2_grpc")


class Cri(Daemon):
    """Pods and containers as a kubelet makes them; whoever inherits knows how to load an image."""
    key = "cri"

    def prepare(self):
        self.pods = {}
        self.grpc, self.messages, self.stubs = load_cri(self.folder)

    def start(self):
        super().start()
        for name in (IMAGE, OTHER_IMAGE):
            self.load(name, self.archive)
        self.channel = self.grpc.insecure_channel("unix:" + self.socket)
        self.api = self.stubs.RuntimeServiceStub(self.channel)

    def pod(self, name="shop-7d4b9c6f5-x2x9k", namespace="store"):
        """A pod in the host's network; returns (id, its configuration)."""
        make = self.messages
        uid = str(uuid.uuid4())
        config = make.PodSandboxConfig(
            metadata=make.PodSandboxMetadata(name=name, uid=uid, namespace=namespace),
            labels={"app": "shop", "pod-template-hash": "7d4b9c6f5"},
            linux=make.LinuxPod(
                cgroup_parent=f"/kubepods/besteffort/pod{uid}",
                security_context=make.SandboxSecurity(
                    privileged=True, namespace_options=make.NamespaceOption(network=2, pid=1))))
        self.pods[uid] = self.api.RunPodSandbox(make.RunPodSandboxRequest(config=config)).pod_sandbox_id
        return self.pods[uid], config

    def container(self, pod, *command, image=IMAGE, privileged=False, name=None, annotations=None):
        """Creates and starts one; returns its id."""
        make = self.messages
        sandbox, config = pod
        name = name or f"c-{uuid.uuid4().hex[:12]}"
        labels = {"io.kubernetes.container.name": name, "io.kubernetes.pod.name": config.metadata.name,
                  "io.kubernetes.pod.namespace": config.metadata.namespace,
                  "io.kubernetes.pod.uid": config.metadata.uid, **LABELS}
        spec = make.ContainerConfig(
            metadata=make.ContainerMetadata(name=name), image=make.ImageSpec(image=image, user_specified_image=image), command=command,
            labels=labels, annotations=annotations or {},
            mounts=[make.Mount(container_path="/data", host_path="/etc", readonly=True)],
            linux=make.LinuxContainer(security_context=make.ContainerSecurity(
                privileged=privileged, namespace_options=make.NamespaceOption(network=2, pid=1))))
        made = self.api.CreateContainer(make.CreateContainerRequest(
            pod_sandbox_id=sandbox, config=spec, sandbox_config=config)).container_id
        self.api.StartContainer(make.ContainerRequest(container_id=made))
        return made

    def remove(self, container):
        request = self.messages.ContainerRequest(container_id=container)

        def is_gone():
            try:
                self.api.StopContainer(request)
                self.api.RemoveContainer(request)
                return True
            except self.grpc.RpcError as why:  # it may not have noticed yet that the process ended
                return "still running" not in why.details()
        tap.wait_for(f"{container[:12]} to be removed", is_gone)

    def remove_pod(self, pod):
        request = self.messages.PodSandboxRequest(pod_sandbox_id=pod[0])
        self.api.StopPodSandbox(request)
        self.api.RemovePodSandbox(request)

    def clean(self):
        # A pod's own cgroup is the kubelet's to remove.
        for path in glob.glob("/sys/fs/cgroup/**/kubepods/besteffort/pod*", recursive=True):
            if any(path.endswith("pod" + uid) for uid in self.pods):
                with contextlib.suppress(OSError):
                    os.rmdir(path)


class Containerd(Cri):
    config = """version = 2
root = "{0}/root"
state = "{0}/state"
[grpc]
  address = "{0}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{1}"
  restrict_oom_score_adj = true
"""

    def prepare(self):
        super().prepare()
        self.socket = os.path.join(self.folder, "containerd.sock")
        pathlib.Path(self.folder, "config.toml").write_text(self.config.format(self.folder, IMAGE))

    def command(self):
        return ["containerd", "-c", os.path.join(self.folder, "config.toml")]

    def load(self, name, archive):
        run("ctr", "--address", self.socket, "--namespace", "k8s.io", "images", "import", "--digests",
            "--base-name", name.rpartition(":")[0], archive)

    def clean(self):
        ctr = ["ctr", "--address", self.socket, "--namespace", "k8s.io"]
        for task in run(*ctr, "tasks", "ls", "-q").split():
            subprocess.run([*ctr, "tasks", "delete", "--force", task], check=False, capture_output=True)
        super().clean()


class Docker(Daemon):
    key = "docker"

    def prepare(self):
        self.socket = os.path.join(self.folder, "docker.sock")

    def command(self):
        at = self.folder
        return ["dockerd", "--bridge=none", "--iptables=false", "--data-root", f"{at}/root", "--exec-root", f"{at}/exec",
                "--pidfile", f"{at}/pid", "--host", "unix://" + self.socket]

    def start(self):
        super().start()
        self.docker("load", "--input", self.archive)

    def docker(self, *arguments):
        return run("docker", "--host", "unix://" + self.socket, *arguments).strip()

    def container(self, *command, image=IMAGE, options=()):
        return self.docker("run", "--detach", "--network=none", "--volume=/etc:/data:ro", *options, image, *command)

    def remove(self, container):
        self.docker("rm", "--force", container)

    def clean(self):
        for one in self.docker("ps", "--all", "--quiet").split():
            self.remove(one)


class Podman(Daemon):
    key = "podman"

    def prepare(self):
        self.socket = os.path.join(self.folder, "podman.sock")

    def podman(self, *arguments):
        return ["podman", "--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "--tmpdir",
                f"{self.folder}/tmp", "--storage-driver", "vfs", "--runtime", "runc", "--cgroup-manager", "cgroupfs",
                "--events-backend", "file", *arguments]

    def command(self):
        return self.podman("system", "service", "--time", "0", "unix://" + self.socket)

    def start(self):
        super().start()
        run(*self.podman("load", "--input", self.archive))

    def container(self, *command, image=IMAGE, options=()):
        done = subprocess.run(
            self.podman("run", "--detach", "--network=none", "--ulimit=nofile=20000:20000", "--ulimit=nproc=32768:32768",
                        "--volume=/etc:/data:ro", *options, image, *command),
            stdout=subprocess.PIPE, stderr=self.log, timeout=120, check=True)
        return done.stdout.decode().strip()

    def remove(self, container):
        subprocess.run(self.podman("rm", "--force", "--time=0", container), check=True, stdout=self.log, stderr=self.log)

    def clean(self):
        subprocess.run(self.podman("rm", "--all", "--force", "--time=0"), check=False, stdout=self.log, stderr=self.log)


class SlowLine:
    """A socket in front of a runtime's whose answers come `seconds` later; None: never."""

    def __init__(self, target, seconds):
        self.target, self.seconds = target, seconds

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tercel-line-", dir="/tmp")
        self.socket = os.path.join(self.folder, "line.sock")
        self.process = subprocess.Popen(
            [str(BUILD / "tests/slow-line"), self.socket, self.target, str(round(self.seconds * 1000))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        tap.equal(self.process.stdout.readline(), "ready\n")
        return self

    def change(self, seconds):
        self.process.stdin.write("never\n" if seconds is None else f"{round(seconds * 1000)}\n")
        self.process.stdin.flush()
        tap.equal(self.process.stdout.readline(), "ready\n")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
