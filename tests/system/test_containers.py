# SPDX-License-Identifier: Apache-2.0
"""Who a container is, from its first exec on: with real containerd, dockerd and podman, slow ones,
stopped ones, and one that never answers."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import urllib.request

import runtimes
import tap
from fake_cri import FakeCri
from runtimes import IMAGE, LABELS, OTHER_IMAGE, REPOSITORY, TAG, Containerd, Docker, Podman, SlowLine
from stack import SOURCE, free_port
from test_sensor import Sensor

TIMES = int(os.environ.get("TERCEL_TEST_TIMES", "100"))
MANY = 5 * TIMES
# What is right must be so on a slow and busy machine too, where engines take longer than the default
# limit of 250 ms. `make bench` runs the tests of slow runtimes with that one.
LIMIT_MS = int(os.environ.get("TERCEL_TEST_METADATA_TIMEOUT", "10000"))
DEFAULT_LIMIT = {"container_metadata": {}}

EXECS = """
- rule: Exec in container
  desc: every exec in a container
  condition: evt.type in (execve, execveat) and evt.arg.res = 0 and container.id != host and proc.exe != runc
  output: >
    %container.full_id %container.name %container.type %container.image %container.image.id %container.image.digest
    %container.privileged %container.labels %container.label.team %container.mounts %container.mount.dest[/etc]
    %container.mount.rdwr[0] %container.host_network %k8s.pod.uid %k8s.pod.sandbox_id %k8s.pod.labels
    %k8s.deployment.name %k8s.rs.name %proc.exe %proc.args %proc.cmdline %proc.pname
  priority: NOTICE
"""
DECIDES = f"""
- rule: Privileged container
  desc: started privileged
  condition: >
    evt.type in (execve, execveat) and evt.arg.res = 0 and container.id != host and proc.exe = true
    and container.privileged = true
  output: "%container.full_id %proc.cmdline"
  priority: WARNING
- rule: Image that is not allowed
  desc: not on the list
  condition: >
    evt.type in (execve, execveat) and evt.arg.res = 0 and container.id != host and proc.exe = true
    and not container.image.repository in ({REPOSITORY})
  output: "%container.full_id %proc.cmdline"
  priority: WARNING
- rule: Everything else
  desc: to see that it was looked at
  condition: evt.type in (execve, execveat) and evt.arg.res = 0 and container.id != host and proc.exe = true
  output: "%container.full_id %proc.cmdline"
  priority: NOTICE
"""
HOST = """
- rule: Marker on the host
  desc: a command of the test
  condition: evt.type in (execve, execveat) and container.id = host and proc.args contains tercel-marker
  output: "%proc.args"
  priority: NOTICE
"""


@contextlib.contextmanager
def sensor(rules, more=None, **engines):
    """The sensor with these sockets and no others, and its alerts as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "rules.yaml").write_text(rules)
        settings = {
            "rules_files": [folder + "/rules.yaml"], "json_output": True, "stdout_output": {"enabled": True},
            "append_output": [{"suggested_output": True}],
            "container_engines": {key: {"sockets": [engines[key]]} if key in engines else {"enabled": False}
                                  for key in ("cri", "docker", "podman")},
            "container_metadata": {"timeout": LIMIT_MS},
            **(more or {}),
        }
        (pathlib.Path(folder) / "sensor.yaml").write_text(json.dumps(settings))
        with Sensor("-c", folder + "/sensor.yaml") as running:
            running.reading, running.read_lines = threading.Lock(), 0
            running.alerts, running.by_container = [], {}
            yield running


def read_new(running):
    """Parses each alert once: a test waits for many, and asks again and again."""
    with running.reading:
        while len(running.lines) > running.read_lines:
            line = running.lines[running.read_lines]
            running.read_lines += 1
            if line.startswith("{"):
                running.alerts.append(json.loads(line))
                container = running.alerts[-1]["output_fields"].get("container.full_id")
                running.by_container.setdefault(container, []).append(running.alerts[-1])


def alerts(running, **wanted):
    """Alerts whose output fields are as wanted, in the order of their arrival."""
    read_new(running)
    wanted = {key.replace("__", "."): value for key, value in wanted.items()}
    container = wanted.get("container.full_id")
    found = running.by_container.get(container, []) if container else running.alerts
    return [alert for alert in list(found)
            if all(alert["output_fields"].get(key) == value for key, value in wanted.items())]


def side_by_side(do, times):
    """Calls do(0), do(1) … by a few at once: most of a container's life is waiting."""
    with concurrent.futures.ThreadPoolExecutor(4) as workers:
        return list(workers.map(do, range(times)))


def alert_of(running, container, **wanted):
    got = tap.wait_for(f"an alert of {container[:12]}",
                       lambda: alerts(running, container__full_id=container, **wanted), 60)
    return got[0]


def check_container(fields, container, **expected):
    want = {
        "container.full_id": container, "container.id": container[:12], "container.image": IMAGE,
        "container.image.repository": REPOSITORY, "container.image.tag": TAG, "container.label.team": LABELS["team"],
        "container.mount.dest[/etc]": "/data", "container.mount.rdwr[0]": "false", **expected,
    }
    tap.equal({key: fields[key] for key in want}, want)
    assert re.fullmatch("[0-9a-f]{64}", fields["container.image.id"]), fields
    assert "com.example/app:web" in fields["container.labels"], fields
    assert fields["container.mounts"].startswith("/etc:/data:"), fields
    missing = [key for key, value in fields.items() if value is None and not key.startswith("k8s.")
               and key != "container.image.digest"]
    tap.equal(missing, [], "fields without a value")


def check_first_execs_of_pods(runtime, kind):
    """TIMES containers of one pod: the first exec of each has all that a kubelet's runtime knows."""
    with runtime, sensor(EXECS, cri=runtime.socket) as running:
        pod = runtime.pod()

        def one(number):
            name = f"shop-{number}"
            made = runtime.container(pod, "true", str(number), name=name)
            fields = alert_of(running, made, proc__exe="true")["output_fields"]
            check_container(fields, made, **{
                "container.name": name, "container.type": kind, "container.privileged": False,
                "container.host_network": True, "proc.cmdline": f"true {number}",
                "k8s.pod.name": "shop-7d4b9c6f5-x2x9k", "k8s.ns.name": "store", "k8s.pod.uid": pod[1].metadata.uid,
                "k8s.pod.sandbox_id": pod[0][:12],
                "k8s.deployment.name": "shop", "k8s.rs.name": "shop-7d4b9c6f5"})
            assert fields["container.image.digest"].startswith("sha256:"), fields
            assert {"app:shop", "pod-template-hash:7d4b9c6f5"} <= set(fields["k8s.pod.labels"].split(", ")), fields
            runtime.remove(made)
        side_by_side(one, TIMES)


def check_decisions_on_first_execs(runtime):
    """A rule of the image's name and one of privileges decide rightly each time, asked over a slow line."""
    with runtime, SlowLine(runtime.socket, 0.2) as line, sensor(DECIDES, cri=line.socket) as running:
        pod = runtime.pod()

        def one(number):
            kind = number % 3
            made = runtime.container(pod, "true", image=OTHER_IMAGE if kind == 1 else IMAGE, privileged=kind == 2)
            alert = alert_of(running, made)
            tap.equal(alert["output_fields"]["k8s.pod.name"], pod[1].metadata.name)
            tap.equal(alert["rule"], ["Everything else", "Image that is not allowed", "Privileged container"][kind],
                      f"rule of container {number}")
        side_by_side(one, TIMES)
        tap.equal(len(alerts(running)), TIMES, "alerts")
        tap.equal([line for line in running.log if "without all metadata" in line], [])
        print(f"# {TIMES} of {TIMES} decided rightly within {LIMIT_MS} ms")


def test_first_exec_under_containerd_has_all_metadata():
    runtimes.need("containerd", "ctr")
    check_first_execs_of_pods(Containerd(), "containerd")


def test_first_exec_under_docker_has_all_metadata():
    runtimes.need("dockerd", "docker")
    with Docker() as runtime, sensor(EXECS, docker=runtime.socket) as running:
        def one(number):
            made = runtime.container("true", str(number), options=(f"--name=shop-{number}", "--health-cmd=true"))
            fields = alert_of(running, made, proc__exe="true")["output_fields"]
            check_container(fields, made, **{
                "container.name": f"shop-{number}", "container.type": "docker", "container.privileged": False,
                "container.host_network": False, "proc.cmdline": f"true {number}", "k8s.pod.name": None})
            runtime.remove(made)
        side_by_side(one, TIMES)


def test_first_exec_under_podman_has_all_metadata():
    runtimes.need("podman")
    # Podman keeps a container locked while it starts it, and its storage while others are made: with
    # four at once on a busy host it answers after up to 400 ms.
    with Podman() as runtime, sensor(EXECS, podman=runtime.socket) as running:
        def one(number):
            made = runtime.container("true", str(number), options=(f"--name=shop-{number}",))
            fields = alert_of(running, made, proc__exe="true")["output_fields"]
            check_container(fields, made, **{
                "container.name": f"shop-{number}", "container.type": "podman", "container.privileged": False,
                "proc.cmdline": f"true {number}", "k8s.pod.name": None})
            assert fields["container.image.digest"].startswith("sha256:"), fields
            runtime.remove(made)
        side_by_side(one, TIMES)


def test_rules_decide_rightly_on_the_first_exec_with_a_runtime_that_takes_200_ms():
    runtimes.need("containerd", "ctr")
    check_decisions_on_first_execs(Containerd())


def test_a_new_images_digest_is_known_with_a_runtime_that_takes_200_ms():
    runtimes.need("containerd", "ctr")
    with Containerd() as runtime, SlowLine(runtime.socket, 0.2) as line, \
            sensor(EXECS, cri=line.socket) as running:
        pod = runtime.pod()
        alert_of(running, runtime.container(pod, "true"))
        for number in range(3):
            name = f"registry.example/new/image-{number}:9"
            runtime.load(name, runtimes.make_new_image(runtime.folder, name))
            made = runtime.container(pod, "true", image=name)
            fields = alert_of(running, made)["output_fields"]
            tap.equal(fields["container.image.repository"], name.partition(":")[0])
            assert (fields["container.image.digest"] or "").startswith("sha256:"), fields


def test_falcos_launch_privileged_container_decides_rightly_on_the_first_exec():
    runtimes.need("containerd", "ctr")
    shared = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared"))
    rules = shared / "data/rules/falco-incubating_rules.yaml"
    if not rules.exists():
        tap.skip(f"Falco's rules are not there: {rules}")
    only = {"rules": [{"disable": {"rule": "*"}}, {"enable": {"rule": "Launch Privileged Container"}}]}
    with Containerd() as runtime, SlowLine(runtime.socket, 0.2) as line, \
            sensor(rules.read_text(), only, cri=line.socket) as running:
        pod = runtime.pod()
        made = side_by_side(
            lambda number: (number % 2 == 0, runtime.container(pod, "true", privileged=number % 2 == 0)), TIMES)
        want = {container[:12] for is_privileged, container in made if is_privileged}

        def seen():
            return {alert["output_fields"]["container.id"] for alert in alerts(running)}
        tap.wait_for("an alert of each privileged one", lambda: want <= seen(), 60)
        tap.equal(seen() - want, set(), "alerts of others")
        tap.equal({alert["rule"] for alert in alerts(running)}, {"Launch Privileged Container"})
        tap.equal({alert["output_fields"]["k8s.pod.name"] for alert in alerts(running)}, {pod[1].metadata.name})


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def metrics_of(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))


def test_metrics_count_containers_answers_and_calls():
    runtimes.need("containerd", "ctr")
    port, some = free_port(), 8
    more = {"webserver": {"enabled": True, "listen_port": port, "listen_address": "127.0.0.1",
                          "prometheus_metrics_enabled": True}, "metrics": {"enabled": True}}
    with Containerd() as runtime, sensor(EXECS, more, cri=runtime.socket) as running:
        pod = runtime.pod()
        for container in side_by_side(lambda number: runtime.container(pod, "true", str(number)), some):
            alert_of(running, container)
            runtime.remove(container)
        labels = f'{{runtime="CRI",socket="{runtime.socket}"}}'

        def counted():
            got = {name: int(float(value)) for name, value in metrics_of(port).items() if name.startswith("tercel_sensor_")}
            answers = sum(value for name, value in got.items() if name.startswith("tercel_sensor_containers_answers_total"))
            # The pod's sandbox is one more.
            return (got["tercel_sensor_containers_awaited"] == 0 and got["tercel_sensor_containers_known_total"] == some + 1
                    and answers == some + 1 and got)
        got = tap.wait_for("all answers in the metrics", counted, 60)
        tap.equal(got["tercel_sensor_runtime_up" + labels], 1)
        tap.equal(got["tercel_sensor_runtime_failures_total" + labels], 0)
        assert some < got["tercel_sensor_runtime_calls_total" + labels] < 5 * some, got
        assert some < got["tercel_sensor_containers"] <= some + 2, got
        assert got["tercel_sensor_parked_events_total"] > 0, got
        tap.equal((got["tercel_sensor_containers_refused_total"], got["tercel_sensor_containers_unasked_total"],
                   got["tercel_sensor_parked_bytes"]), (0, 0, 0))


def test_many_short_lived_containers_are_all_known_and_then_forgotten():
    runtimes.need("containerd", "ctr")
    with Containerd() as runtime, sensor(EXECS, cri=runtime.socket) as running:
        pod = runtime.pod()

        def one(number):
            container = runtime.container(pod, "true", name=f"short-{number}")
            fields = alert_of(running, container)["output_fields"]
            tap.equal(fields["container.name"], f"short-{number}")
            tap.equal(fields["k8s.pod.name"], "shop-7d4b9c6f5-x2x9k")
            tap.equal(fields["container.image.repository"], REPOSITORY)
            runtime.remove(container)

        # What a few need once is not what many leave behind.
        side_by_side(one, TIMES // 2)
        before, began = rss_kb(running.process.pid), time.monotonic()
        side_by_side(one, MANY)
        took = time.monotonic() - began
        grown = rss_kb(running.process.pid) - before
        print(f"# {MANY} containers in {took:.0f} s; the sensor grew by {grown} KB")
        assert grown < 8 * 1024, f"the sensor grew by {grown} KB"


def test_with_the_runtime_stopped_alerts_have_the_id_and_the_log_names_the_socket():
    runtimes.need("containerd", "ctr")
    with Containerd() as runtime, sensor(EXECS, DEFAULT_LIMIT, cri=runtime.socket) as running:
        pod = runtime.pod()
        box = runtime.container(pod, "sleep", "600")
        alert_of(running, box)
        inner = runtime.container(pod, "sh", "-c", "while [ ! -e /tmp/go ]; do sleep 1; done; true last")
        alert_of(running, inner)
        runtime.stop()
        # A container of which nothing is known, made without the daemon: by a cgroup like its own.
        unknown = "5" * 64
        run_in_cgroup(f"/kubepods/besteffort/pod5/{unknown}", "true")
        fields = alert_of(running, unknown)["output_fields"]
        tap.equal(fields["container.id"], unknown[:12])
        tap.equal(fields["container.image.repository"], None)
        running.wait_for_log(f"no answer at {runtime.socket}")
        # The one that was known before stays known, and when the runtime is back all is as before.
        runtime.start()
        running.wait_for_log(f"answers at {runtime.socket}", 2)
        made = runtime.container(pod, "true", name="after")
        tap.equal(alert_of(running, made)["output_fields"]["container.name"], "after")


def cgroup_root():
    """Where a process's cgroup decides: version 2, or under hybrid that of a controller."""
    for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/memory"):
        if os.path.exists(root + "/cgroup.procs"):
            return root
    return None


def run_in_cgroup(path, *command):
    root = cgroup_root()
    if not root:
        tap.skip("no cgroup file system to write to")
    folder = root + path
    os.makedirs(folder, exist_ok=True)
    try:
        subprocess.run(["sh", "-c", f"echo $$ > {folder}/cgroup.procs && exec \"$@\"", "sh", *command], check=True)
    finally:
        os.rmdir(folder)
        with contextlib.suppress(OSError):  # others use it
            os.removedirs(os.path.dirname(folder))


def test_a_runtime_that_never_answers_holds_its_container_for_the_limit_and_nobody_else():
    runtimes.need("containerd", "ctr")
    with Containerd() as runtime:
        pod = runtime.pod()
        with SlowLine(runtime.socket, 0) as line, sensor(EXECS + HOST, DEFAULT_LIMIT, cri=line.socket) as running:
            running.wait_for_log("answers at")
            line.change(None)
            unknown = "6" * 64
            run_in_cgroup(f"/kubepods/besteffort/pod6/{unknown}", "true")
            subprocess.run(["true", "tercel-marker"], check=True)
            held = alert_of(running, unknown)
            tap.equal(held["output_fields"]["container.image.repository"], None)
            tap.wait_for("the host's alert", lambda: alerts(running, proc__args="tercel-marker"))
            order = [alert["rule"] for alert in alerts(running)]
            assert order.index("Marker on the host") < order.index("Exec in container"), order
            running.wait_for_log("without all metadata")
        runtime.remove_pod(pod)


def pid_of(runtime, container):
    lines = runtimes.run("ctr", "--address", runtime.socket, "--namespace", "k8s.io", "tasks", "ls").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(container))


def move_into_cgroups_of(pid, other, below=""):
    """Into the same cgroup as `other`, or one below it, in every hierarchy. Returns the folders."""
    folders = []
    for line in pathlib.Path(f"/proc/{other}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for root in ("/sys/fs/cgroup/" + controllers.removeprefix("name="), "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
            if os.path.exists(f"{root}{path}/cgroup.procs"):
                folders.append(f"{root}{path}{below}")
                os.makedirs(folders[-1], exist_ok=True)
                if root.endswith("/cpuset") and below:  # it starts empty and takes nobody
                    break
                pathlib.Path(folders[-1], "cgroup.procs").write_text(str(pid), encoding="ascii")
                break
    return folders


def test_a_process_moved_into_another_containers_cgroup_keeps_its_containers_id():
    runtimes.need("containerd", "ctr")
    with Containerd() as runtime, sensor(EXECS, cri=runtime.socket) as running:
        pod = runtime.pod()
        victim = runtime.container(pod, "sleep", "600", name="victim")
        attacker = runtime.container(
            pod, "sh", "-c", "while [ ! -e /tmp/go ]; do sleep 0.05; done; cat /etc/passwd; exec cat /etc/shadow", name="attacker")
        alert_of(running, victim)
        alert_of(running, attacker)
        pid = pid_of(runtime, attacker)
        move_into_cgroups_of(pid, pid_of(runtime, victim))
        pathlib.Path(f"/proc/{pid}/root/tmp/go").touch()
        for path in ("/etc/passwd", "/etc/shadow"):
            fields = alert_of(running, attacker, proc__args=path)["output_fields"]
            tap.equal(fields["container.name"], "attacker")


WAITS_AND_READS = "while [ ! -e /tmp/go ]; do sleep 0.05; done; cat /etc/passwd; exec cat /etc/shadow"


def docker_pid(runtime, container):
    return int(runtime.docker("inspect", "--format", "{{.State.Pid}}", container))


def read_after_move(runtime, running, container, below, into=None):
    """Moves the container's process and lets it go on; both of its reads have to name the container."""
    pid = docker_pid(runtime, container)
    assert os.readlink(f"/proc/{pid}/ns/cgroup") != os.readlink("/proc/self/ns/cgroup")
    folders = move_into_cgroups_of(pid, docker_pid(runtime, into or container), below)
    try:
        pathlib.Path(f"/proc/{pid}/root/tmp/go").touch()
        for path in ("/etc/passwd", "/etc/shadow"):
            alert_of(running, container, proc__args=path)
        tap.wait_for("its end", lambda: not os.path.exists(f"/proc/{pid}"))
    finally:
        for folder in folders if below else ():
            with contextlib.suppress(OSError):  # the engine was faster
                os.rmdir(folder)


def test_a_private_cgroup_namespace_and_cgroups_below_hide_no_container():
    runtimes.need("dockerd", "docker")
    with Docker() as runtime, sensor(EXECS, docker=runtime.socket) as running:
        made = [runtime.container("sh", "-c", WAITS_AND_READS, options=("--cgroupns=private", f"--name=own-{number}"))
                for number in range(3)]
        for one in made:
            alert_of(running, one)
        # Below its own, and below a neighbour's.
        read_after_move(runtime, running, made[0], "/init")
        read_after_move(runtime, running, made[1], "/nested", into=made[2])
        names = {alert["output_fields"]["container.name"] for one in made for alert in alerts(running, container__full_id=one)}
        tap.equal(names, {"own-0", "own-1", "own-2"})


def test_a_container_that_ran_before_the_sensor_is_known_at_its_next_exec():
    runtimes.need("dockerd", "docker")
    with Docker() as runtime:
        made = runtime.container("sleep", "600", options=("--name=early",))
        with sensor(EXECS, docker=runtime.socket) as running:
            runtime.docker("exec", made, "cat", "/etc/passwd")
            fields = alert_of(running, made, proc__args="/etc/passwd")["output_fields"]
            check_container(fields, made, **{"container.name": "early", "container.type": "docker"})


def test_hostile_labels_are_cut_and_cleaned_and_disturb_nobody():
    runtimes.need("dockerd", "docker")
    evil = "\x1b[2J\nNotice k8s_pod_name=forged"
    with Docker() as runtime, sensor(EXECS, docker=runtime.socket) as running:
        options = [f"--label=team={evil}", "--label=huge=" + "x" * 100000]
        options += [f"--label=many-{number}={'y' * 500}" for number in range(600)]
        made = runtime.container("true", options=("--name=evil", *options))
        fields = alert_of(running, made, proc__exe="true")["output_fields"]
        tap.equal(fields["container.name"], "evil")
        tap.equal(fields["container.label.team"], "\ufffd[2J Notice k8s_pod_name=forged")
        tap.equal(fields["k8s.pod.name"], None)
        assert len(fields["container.labels"]) <= 16 * 1024, len(fields["container.labels"])
        # Its neighbour is as well known as ever.
        other = runtime.container("true", options=("--name=good",))
        tap.equal(alert_of(running, other, proc__exe="true")["output_fields"]["container.name"], "good")


def test_a_health_check_is_told_from_what_looks_like_it():
    runtimes.need("dockerd", "docker")
    rules = EXECS.replace("%proc.exe ", "%proc.is_container_healthcheck %container.healthcheck %proc.exe ")
    with Docker() as runtime, sensor(rules, docker=runtime.socket) as running:
        made = runtime.container("sh", "-c", "/bin/sh -c 'cat /etc/passwd'; sleep 600",
                                 options=("--health-cmd=cat /etc/passwd", "--health-interval=1s"))

        def seen(is_check):
            return [alert for alert in alerts(running, container__full_id=made, proc__exe="/bin/sh")
                    if alert["output_fields"]["proc.is_container_healthcheck"] is is_check]

        imitation = tap.wait_for("the command from inside", lambda: seen(False))[0]
        tap.equal(imitation["output_fields"]["container.healthcheck"], "/bin/sh -c cat /etc/passwd")
        tap.wait_for("the health check itself", lambda: seen(True), 60)


# Where CRI-O and others put a container, by the drivers and distributions that do; how each tells
# of it; and the type that follows.
TOLD = [
    ("v1", "cri-o", "1.27.1", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5f6a.slice/crio-{}.scope", "cri-o"),
    ("v1", "cri-o", "1.27.1", "/kubepods.slice/kubepods-pod5f6b.slice/crio-{}.scope/container", "cri-o"),
    ("v1alpha2", "cri-o", "1.20.2", "/kubepods/besteffort/pod5f6c/crio-{}", "cri-o"),
    ("v1alpha2", "containerd", "1.4.3-k3s1", "/kubepods/burstable/pod5f6d/{}", "containerd"),
    ("v1", "containerd", "v1.7.2-microk8s",
     "/kubepods.slice/kubepods-pod5f6e.slice/cri-containerd-{}.scope", "containerd"),
]


def test_cri_o_and_runtimes_of_the_old_interface_are_understood():
    runtimes.need()
    for number, (version, name, release, path, kind) in enumerate(TOLD):
        container, pod = f"{number}a" * 32, f"{number}b" * 32
        is_crio, digest = name == "cri-o", f"{REPOSITORY}@sha256:{'ab' * 32}"
        with FakeCri(version, name, release) as runtime, sensor(EXECS, cri=runtime.socket) as running:
            running.wait_for_log(f"{name} {release} (runtime.{version}) answers at {runtime.socket}")
            # CRI-O names the image by its id or digest, and says at the top whether it is privileged.
            info = {"sandboxID": pod, "privileged": True} if is_crio else {
                "sandboxID": pod, "config": {"image": {"image": IMAGE},
                                             "linux": {"security_context": {"privileged": True}}}}
            runtime.pods[pod] = {"name": "shop-7d4b9c6f5-x2x9k", "labels": {"pod-template-hash": "7d4b9c6f5"}}
            runtime.containers[container] = {
                "name": "shop", "image": IMAGE, "image_ref": digest, "digest": digest, "tag": IMAGE, "pod": pod,
                "labels": LABELS, "info": json.dumps(info)}
            run_in_cgroup(path.format(container), "true")
            fields = alert_of(running, container)["output_fields"]
            want = {"container.type": kind, "container.name": "shop", "container.image.repository": REPOSITORY,
                    "container.image.tag": TAG, "container.image.digest": "sha256:" + "ab" * 32,
                    "container.privileged": True, "container.label.team": LABELS["team"], "k8s.ns.name": "store",
                    "k8s.pod.name": "shop-7d4b9c6f5-x2x9k", "k8s.deployment.name": "shop"}
            tap.equal({key: fields[key] for key in want}, want, f"{name} {release} in {path}")


def test_a_container_in_a_containers_cgroup_has_its_own_id():
    runtimes.need("dockerd", "docker")
    with Docker() as runtime, sensor(EXECS, docker=runtime.socket) as running:
        outer = runtime.container("sleep", "600", options=("--name=outer",))
        alert_of(running, outer)
        # As docker in docker makes it: below the outer's, in every hierarchy.
        inner = runtime.container(
            "true", "inside", options=("--name=inner", f"--cgroup-parent=/docker/{outer}/docker"))
        fields = alert_of(running, inner, proc__exe="true")["output_fields"]
        tap.equal(fields["container.name"], "inner")
        runtime.docker("exec", outer, "cat", "/etc/passwd")
        fields = alert_of(running, outer, proc__args="/etc/passwd")["output_fields"]
        tap.equal(fields["container.name"], "outer")


@contextlib.contextmanager
def docker_in(outer):
    """A dockerd in a container of the other's; its socket is in a folder of the host's."""
    folder = os.path.join(outer.folder, "inner")
    os.mkdir(folder)
    inner = Docker()
    inner.folder, inner.socket, inner.archive = outer.folder, os.path.join(folder, "docker.sock"), outer.archive
    programs = [f"--volume={path}:{where}:ro" for path, where in (
        ("/usr", "/usr"), ("/usr/lib", "/lib"), ("/usr/lib64", "/lib64"), ("/usr/sbin", "/sbin"))]
    made = outer.container(
        "/usr/sbin/dockerd", "--bridge=none", "--iptables=false", "--data-root=/inner/root", "--exec-root=/inner/exec",
        "--pidfile=/inner/pid", "--storage-driver=vfs", "--host=unix:///inner/docker.sock",
        # Not --privileged: a machine for tests may lack some of the capabilities that this asks for.
        options=(*(f"--cap-add={name}" for name in (
            "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "MKNOD")),
                 "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined",
                 "--security-opt=systempaths=unconfined", "--device-cgroup-rule=a *:* rwm", "--cgroupns=host",
                 "--volume=/sys/fs/cgroup:/sys/fs/cgroup", "--name=engine", "--env=PATH=/usr/sbin:/usr/bin:/bin", f"--volume={folder}:/inner",
                 "--tmpfs=/run", *programs))

    def is_up():
        if outer.docker("inspect", "--format", "{{.State.Running}}", made) != "true":
            raise AssertionError(outer.docker("logs", made))
        return os.path.exists(inner.socket)
    tap.wait_for("docker in docker", is_up)
    inner.docker("load", "--input", outer.archive)
    try:
        yield made, inner
    finally:
        inner.clean()


def test_docker_in_docker_is_known_by_its_id_and_by_its_socket_in_all():
    runtimes.need("dockerd", "docker")
    with Docker() as outer, docker_in(outer) as (engine, inner):
        with sensor(EXECS, DEFAULT_LIMIT, docker=outer.socket) as running:
            # Who knows the outer engine alone has the inner containers' ids, and takes none for the outer's.
            made = inner.container("true", "inside")
            fields = alert_of(running, made, proc__exe="true")["output_fields"]
            tap.equal((fields["container.name"], fields["container.image.repository"]), (None, None))
            tap.equal([alert for alert in alerts(running, container__full_id=engine)
                       if alert["output_fields"]["proc.exe"] == "true"], [])
        with sensor(EXECS, docker=inner.socket) as running:
            made = inner.container("true", "inside", options=("--name=inner",))
            fields = alert_of(running, made, proc__exe="true")["output_fields"]
            tap.equal((fields["container.name"], fields["container.image.repository"]), ("inner", REPOSITORY))


def test_a_socket_that_appears_later_is_found_by_the_first_container():
    runtimes.need("containerd", "ctr")
    with Containerd() as runtime:
        # Under another name first: the sensor looks for one that is not there yet.
        late = runtime.socket + ".late"
        with sensor(EXECS, cri=late) as running:
            running.wait_for_log(f"no answer at {late}")
            os.symlink(runtime.socket, late)
            made = runtime.container(runtime.pod(), "true", name="late")
            tap.equal(alert_of(running, made)["output_fields"]["container.name"], "late")


if __name__ == "__main__":
    tap.main(globals())
