#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The images: made twice, imported into a real containerd, and run there as the chart runs them."""
import atexit
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import uuid

import runtimes
import tap
from runtimes import Containerd
from stack import SOURCE, free_port, get

# A user as OpenShift gives one: in no image's passwd, and in nobody else's range.
A_USER = 1000670000
# The chart's, and nothing more (deploy/helm/tercel, "tercel.capabilities").
OF_THE_SENSOR = ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"]
# Goals, in bytes compressed.
LARGEST = {"sensor": 40e6, "forwarder": 60e6, "dashboard": 60e6, "responder": 60e6}


def make(folder):
    """Makes all images into a folder; returns name → (archive, its name in a registry)."""
    done = subprocess.run([SOURCE / "tools/image", "--output", folder], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    print("# " + done.stdout.replace(str(folder) + "/", "").strip().replace("\n", "\n# "), flush=True)
    return {pathlib.Path(path).stem: (path, name) for path, name in re.findall(r"^(\S+)\s+(\S+)", done.stdout, re.MULTILINE)}


@functools.cache
def images():
    """Those that most tests look at, made once."""
    folder = tempfile.mkdtemp(prefix="tercel-images-")
    atexit.register(shutil.rmtree, folder, True)
    return make(folder)


def blobs(archive):
    """The archive's manifest and configuration, and its layer as an open tar."""
    tar = tarfile.open(archive)

    def blob(entry):
        return tar.extractfile("blobs/" + entry["digest"].replace(":", "/"))
    index = json.load(tar.extractfile("index.json"))
    manifest = json.load(blob(index["manifests"][0]))
    return manifest, json.load(blob(manifest["config"])), tarfile.open(fileobj=blob(manifest["layers"][0]))


def test_the_same_source_gives_the_same_bytes():
    with tempfile.TemporaryDirectory() as folder:
        second = make(folder)
        for name, (path, _) in images().items():
            tap.equal(pathlib.Path(path).read_bytes() == pathlib.Path(second[name][0]).read_bytes(), True, name)


def test_they_are_small_run_as_nobody_and_name_the_version_of_what_is_in_them():
    for name, (path, _) in images().items():
        manifest, config, layer = blobs(path)
        tap.equal(manifest["layers"][0]["size"] < LARGEST[name], True, f"{name} is under its goal")
        tap.equal(config["config"]["User"], "0:0" if name == "sensor" else "65532:0", name)
        paths = layer.getnames()
        tap.equal([one for one in ("usr/bin/sh", "usr/bin/dash", "usr/bin/dpkg") if one in paths], [], name)
        tap.equal("Version: " in layer.extractfile("var/lib/dpkg/status.d/libc6").read().decode(), True, name)
        for member in layer.getmembers():
            tap.equal((member.uid, member.gid), (0, 0), f"{name}: {member.name}")
            writable = member.name == "tmp" or member.name.startswith("var/lib/tercel/")
            if not member.issym() and bool(member.mode & 0o020) != writable:
                raise AssertionError(f"{name}: {member.name} has mode {member.mode:o}")


def test_every_library_that_a_program_asks_for_is_in_its_image():
    if os.geteuid() != 0:
        tap.skip("root is needed to change into an image")
    for name, (path, _) in images().items():
        layer = blobs(path)[2]
        with tempfile.TemporaryDirectory() as root:
            layer.extractall(root)
            programs = [one.name for one in layer.getmembers() if one.isfile() and (
                ".so" in one.name or "/libexec/" in one.name or "/bin/" in one.name)]
            loader = next(one for one in programs if "/ld-linux" in one)
            tap.equal(len(programs) > 10, True, name)
            for program in programs:
                done = subprocess.run(["chroot", root, f"/{loader}", "--list", f"/{program}"], capture_output=True, text=True)
                if "not found" in done.stdout + done.stderr or "cannot open" in done.stdout + done.stderr:
                    raise AssertionError(f"{name}: {program}: {done.stdout}{done.stderr}")


def test_the_authorities_of_the_world_are_known_beside_one_of_ones_own():
    """tlsclient.cacertfile and such name one file; the others are then looked for by their hashes in a folder."""
    for name, (path, _) in images().items():
        paths = blobs(path)[2].getnames()
        hashed = [one for one in paths if re.fullmatch(r"etc/ssl/certs/[0-9a-f]{8}\.\d+", one)]
        bundle = blobs(path)[2].extractfile("etc/ssl/certs/ca-certificates.crt").read().count(b"BEGIN CERTIFICATE")
        tap.equal(len(hashed), bundle, name)


def test_the_containerfile_says_the_same():
    text = (SOURCE / "deploy/image/Containerfile").read_text(encoding="utf-8")
    for name, (path, _) in images().items():
        config = blobs(path)[1]["config"]
        target = text.partition(f"FROM scratch AS {name}\n")[2].partition("\nFROM")[0].splitlines()
        tap.equal(target, [f"COPY --from=build /images/{name} /", "ENV " + " ".join(config["Env"]),
                           *[f"EXPOSE {port.partition('/')[0]}" for port in config["ExposedPorts"]],
                           f"USER {config['User']}", f"ENTRYPOINT {json.dumps(config['Entrypoint'])}"], name)


class Parts:
    """The chart's parts as pods of a containerd."""

    def __init__(self, runtime, folder):
        self.runtime, self.folder = runtime, pathlib.Path(folder)
        self.images = images()
        for path, _ in self.images.values():
            runtimes.run("ctr", "--address", runtime.socket, "--namespace", "k8s.io", "images", "import", path)

    def writable(self, name):
        """A folder as the kubelet makes an emptyDir."""
        path = self.folder / name
        path.mkdir(parents=True)
        path.chmod(0o777)
        return str(path)

    def log(self, name):
        path = self.folder / f"logs/{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, name, arguments, mounts, environment=(), command=(), image=None):
        """A pod of one container, as the kubelet asks for it; returns the container's id."""
        make_message = self.runtime.messages
        pod_id, pod = self.runtime.pod(name=name, namespace="falco")
        pod.log_directory = str(self.folder / "logs")
        (self.folder / "logs").mkdir(exist_ok=True)
        is_sensor = name == "sensor"
        capabilities = make_message.Capability(drop_capabilities=["ALL"], add_capabilities=OF_THE_SENSOR if is_sensor else [])
        security = make_message.ContainerSecurity(
            capabilities=capabilities, run_as_user=make_message.Number(value=0 if is_sensor else A_USER),
            readonly_rootfs=True, no_new_privs=True, seccomp=make_message.SecurityProfile(profile_type=1 if is_sensor else 0),
            namespace_options=make_message.NamespaceOption(network=2, pid=1))
        config = make_message.ContainerConfig(
            metadata=make_message.ContainerMetadata(name=name), command=command, args=arguments,
            image=make_message.ImageSpec(image=self.images[image or name][1]), log_path=f"{name}.log",
            envs=[make_message.KeyValue(key=key, value=value) for key, value in environment],
            mounts=[make_message.Mount(container_path=where, host_path=path, readonly=readonly)
                    for where, path, readonly in mounts],
            labels={"io.kubernetes.container.name": name, "io.kubernetes.pod.name": name,
                    "io.kubernetes.pod.namespace": "falco", "io.kubernetes.pod.uid": str(uuid.uuid4())},
            linux=make_message.LinuxContainer(security_context=security))
        made = self.runtime.api.CreateContainer(make_message.CreateContainerRequest(
            pod_sandbox_id=pod_id, config=config, sandbox_config=pod)).container_id
        self.runtime.api.StartContainer(make_message.ContainerRequest(container_id=made))
        return made

    def process(self, container):
        """The container's first process, as /proc has it."""
        tasks = runtimes.run("ctr", "--address", self.runtime.socket, "--namespace", "k8s.io", "tasks", "ls")
        return pathlib.Path("/proc", re.search(rf"^{container}\s+(\d+)", tasks, re.MULTILINE)[1])


def privileges(process):
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    return status["Uid"].split()[1], status["Gid"].split()[1], int(status["CapEff"], 16), status["NoNewPrivs"]


def answers(url):
    with contextlib.suppress(OSError):
        return get(url)
    return None


def wait_for_answer(parts, name, url):
    try:
        return tap.wait_for(f"{name} to answer", lambda: answers(url), 60)
    except AssertionError as why:
        raise AssertionError(f"{why}; its log:\n{parts.log(name)}") from None


def settings_of_the_sensor(forwarder, web):
    """As the chart writes them ("tercel.falco"), but for the ports, which this machine shares with others."""
    return json.dumps({
        "rules_files": ["/usr/share/tercel/rules"], "sensor": {"host_root": "/host"}, "stdout_output": {"enabled": True},
        "json_output": True, "watch_config_files": True, "append_output": [{"suggested_output": True}], "webserver": {"enabled": True, "listen_port": web},
        "metrics": {"enabled": True, "output_rule": False},
        "http_output": {"enabled": True, "url": f"http://127.0.0.1:{forwarder}/", "batch": True,
                        "token_file": "/etc/tercel/token/token"}})


def start_all(parts):
    """Dashboard, forwarder and sensor; returns their containers and the dashboard's address and login."""
    ports = {name: free_port() for name in ("dashboard", "forwarder", "sensor")}
    config = parts.folder / "config"
    for name, text in (("token/token", "a-token"), ("sensor/sensor.yaml", settings_of_the_sensor(ports["forwarder"], ports["sensor"])),
                       ("forwarder/forwarder.yaml", json.dumps({
                           "listenport": ports["forwarder"], "tokenfile": "/etc/tercel/token/token",
                           "webui": {"url": f"http://127.0.0.1:{ports['dashboard']}"}}))):
        (config / name).parent.mkdir(parents=True)
        (config / name).write_text(text)
    token = ("/etc/tercel/token", str(config / "token"), True)
    own = {name: [("/tmp", parts.writable(f"{name}/tmp"), False)] for name in ports}
    for name in ("dashboard", "forwarder"):
        own[name] += [token, (f"/var/lib/tercel/{name}", parts.writable(f"{name}/state"), False)]
    made = {"dashboard": parts.start(
        "dashboard", ["--state", "/var/lib/tercel/dashboard", "--token-file", "/etc/tercel/token/token", "--ttl", "30d",
                      "--max-size", "8GiB", "--listen", f"127.0.0.1:{ports['dashboard']}"],
        own["dashboard"], [("SQLITE_TMPDIR", "/tmp"), ("FALCOSIDEKICK_UI_USER", "me:secret")])}
    page = f"http://127.0.0.1:{ports['dashboard']}"
    wait_for_answer(parts, "dashboard", page + "/api/v1/healthz")
    made["forwarder"] = parts.start(
        "forwarder", ["-c", "/etc/tercel/forwarder/forwarder.yaml", "--state", "/var/lib/tercel/forwarder"],
        [*own["forwarder"], ("/etc/tercel/forwarder", str(config / "forwarder"), True)],
        [("TMPDIR", "/tmp"), ("WEBUI_TOKEN", "a-token")])
    wait_for_answer(parts, "forwarder", f"http://127.0.0.1:{ports['forwarder']}/ping")
    made["sensor"] = parts.start(
        "sensor", ["-c", "/etc/tercel/sensor/sensor.yaml"],
        [*own["sensor"], token, ("/etc/tercel/sensor", str(config / "sensor"), True), ("/host/proc", "/proc", True),
         ("/host/etc", "/etc", True), ("/sys/fs/cgroup", "/sys/fs/cgroup", True),
         ("/host/run/containerd", os.path.dirname(parts.runtime.socket), True)],
        [("FALCO_HOSTNAME", "node-1")])
    wait_for_answer(parts, "sensor", f"http://127.0.0.1:{ports['sensor']}/healthz")
    return made, page, f"http://127.0.0.1:{ports['forwarder']}"


def test_an_attack_is_alerted_forwarded_and_shown_under_the_charts_privileges():
    runtimes.need("containerd", "ctr")
    with tempfile.TemporaryDirectory(prefix="tercel-images-") as folder, Containerd() as runtime:
        os.chmod(folder, 0o755)
        parts = Parts(runtime, folder)
        made, page, forwarder = start_all(parts)
        for name in ("dashboard", "forwarder"):
            tap.equal(privileges(parts.process(made[name])), (str(A_USER), "0", 0, "1"), f"user, group, capabilities of {name}")
        # bits of linux/capability.h: DAC_READ_SEARCH 2, SYS_PTRACE 19, PERFMON 38, BPF 39
        tap.equal(privileges(parts.process(made["sensor"]))[2], 1 << 2 | 1 << 19 | 1 << 38 | 1 << 39, "the sensor's capabilities")

        runtime.container(runtime.pod(), "sh", "-c", "cat /etc/shadow; sleep 600")

        def shown():
            found = json.loads(get(page + "/api/v1/events/search?limit=100&filter=shadow", "me", "secret"))["results"]
            return [one for one in found if one["rule"] == "Read sensitive file untrusted"]
        try:
            alert = tap.wait_for("the alert on the dashboard", shown)[0]
        except AssertionError as why:
            raise AssertionError(f"{why}\n{parts.log('sensor')}\n{parts.log('forwarder')}") from None
        fields = alert.get("outputFields") or alert["output_fields"]
        tap.equal((fields["container.image.repository"], fields["k8s.pod.name"], fields["k8s.ns.name"]),
                  (runtimes.REPOSITORY, "shop-7d4b9c6f5-x2x9k", "store"), "what the alert knows of the container")
        tap.equal(alert["hostname"], "node-1")

        # What `helm test` runs: the forwarder's image has curl.
        parts.start("test", [f"{forwarder}/test?output=webui"], [], image="forwarder",
                    command=["curl", "--fail-with-body", "--silent", "--show-error"])
        tap.wait_for("the test alert on the dashboard", lambda: json.loads(
            get(page + "/api/v1/events/search?limit=100&filter=Test", "me", "secret"))["results"])


if __name__ == "__main__":
    tap.main(globals())
