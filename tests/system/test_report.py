# SPDX-License-Identifier: Apache-2.0
"""What the sensor says of itself (web server, metrics, internal alerts), and the outputs of the host."""
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid

import tap
from sensor import Sensor, run, written
from stack import SOURCE, free_port, need_root

MARK = f"tercel-report-{uuid.uuid4().hex}"
RULE = ("- rule: marked program\n  desc: d\n  condition: evt.type = execve and proc.name = true and "
        f"proc.args startswith {MARK}\n  output: \"n=%proc.args\"\n  priority: WARNING\n  tags: [host, T1059.004]\n")


def mark(*more):
    subprocess.run(["/bin/true", MARK, *more], check=True)


def options(*pairs):
    return [word for pair in pairs for word in ("-o", pair)]


def get(url, context=None):
    with urllib.request.urlopen(url, timeout=10, context=context) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def series(text):
    """{name{labels}: value} of Prometheus' text."""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


def test_without_being_asked_the_sensor_listens_nowhere():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        with Sensor("-r", written(folder, "r.yaml", RULE)) as sensor:
            sockets = [os.readlink(f"/proc/{sensor.process.pid}/fd/{fd}")
                       for fd in os.listdir(f"/proc/{sensor.process.pid}/fd")]
            inodes = {found[1] for one in sockets if (found := re.match(r"socket:\[(\d+)\]", one))}
            for table in ("tcp", "tcp6"):
                lines = pathlib.Path(f"/proc/{sensor.process.pid}/net/{table}").read_text().splitlines()[1:]
                listening = {line.split()[9] for line in lines if line.split()[3] == "0A"}
                tap.equal(inodes & listening, set())
            sensor.stop()


def test_health_versions_and_metrics_are_answered():
    need_root()
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        with Sensor("-r", written(folder, "r.yaml", RULE), *options(
                "webserver.enabled=true", f"webserver.listen_port={port}", "webserver.listen_address=127.0.0.1",
                "webserver.k8s_healthz_endpoint=/well", "webserver.prometheus_metrics_enabled=true",
                "metrics.enabled=true", "sensor.hostname=node-7")) as sensor:
            tap.equal(get(f"{base}/well"), ("application/json", '{"status": "ok"}'))
            versions = json.loads(get(f"{base}/versions")[1])
            tap.equal((versions["engine_version"], versions["engine_version_semver"]), ("63", "0.63.0"))
            tap.equal(list(versions), ["default_driver_version", "driver_api_version", "driver_schema_version",
                                       "engine_version", "engine_version_semver", "falco_version", "libs_version",
                                       "plugin_api_version", "plugin_versions", "tercel_version"])
            for path in ("/healthz", "/", "/metricsx"):
                try:
                    get(base + path)
                    raise AssertionError(f"{path} was answered")
                except urllib.error.HTTPError as answer:
                    tap.equal(answer.code, 404)
            mark()
            matched = ('falcosecurity_falco_rules_matches_total{rule_name="marked program",priority="4",'
                       'source="syscall",tag_T1059_004="true",tag_host="true"}')
            kind, text = get(f"{base}/metrics")
            tap.equal(kind, "text/plain; version=0.0.4")
            tap.wait_for("the rule's counter", lambda: series(get(f"{base}/metrics")[1]).get(matched) == "1")
            tap.wait_for("the events' counter", lambda: int(series(get(f"{base}/metrics")[1])["falcosecurity_scap_n_evts_total"]) > 0)
            text = get(f"{base}/metrics")[1]
            got = series(text)
            tap.equal(got['falcosecurity_evt_hostname_info{hostname="node-7"}'], "1")
            tap.equal(int(got["falcosecurity_falco_host_num_cpus_total"]), os.cpu_count())
            assert float(got["falcosecurity_falco_memory_rss_bytes"]) > 1e6, got
            assert int(got["falcosecurity_scap_n_threads_total"]) > 5, got
            counts = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled").read_text().strip() == "1"
            runs = int(got["falcosecurity_scap_sched_process_exec_run_cnt_total"])
            tap.equal(runs > 0, counts, "runs of the kernel programs are counted")
            assert int(got["tercel_sensor_heartbeat_timestamp_seconds"]) > 1e9, got
            digest = subprocess.run(["sha256sum", f"{folder}/r.yaml"], capture_output=True, text=True).stdout.split()[0]
            assert f'falcosecurity_falco_sha256_rules_files_info{{file_name="r.yaml",sha256="{digest}"}}' in got, text
            heads = re.findall(r"# TYPE (\S+) ", text)
            tap.equal(sorted(heads), sorted(set(heads)), "a name has one TYPE")
            tap.equal({re.match(r"\w+", name)[0] for name in got} - set(heads), set(), "names without TYPE")
            sensor.stop()


def test_metrics_have_falcos_names():
    need_root()
    sample = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE.parent / "shared")) / "data/samples/falco-metrics.txt"
    if not sample.exists():
        tap.skip("no ../shared/data/samples/falco-metrics.txt")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with Sensor("-r", written(folder, "r.yaml", RULE), *options(
                "webserver.enabled=true", f"webserver.listen_port={port}", "metrics.enabled=true",
                "webserver.prometheus_metrics_enabled=true")) as sensor:
            text = get(f"http://127.0.0.1:{port}/metrics")[1]
            sensor.stop()
    names = {re.match(r"\w+", line)[0] for line in sample.read_text().splitlines() if line}
    # The sample was taken without kernel.bpf_stats_enabled.
    own = {name for name in re.findall(r"# TYPE (falcosecurity_\S+) ", text)
           if not re.search(r"_scap_s\w+_(run_cnt_total|run_time_nanoseconds_total|avg_time_nanoseconds)$", name)}
    tap.equal(own - names - {"falcosecurity_scap_n_drops_bug_total", "falcosecurity_kernel_filter_rejected_total",
                                 "falcosecurity_kernel_call_tracepoints"}, set(), "names that Falco does not have")
    missing = {name for name in names - own
               if not re.search(r"_fds?_|_n_fds|evts_task|_drops_task|max_event_size|stored?_|retrieved?_|"
                                r"cached_thread|added_threads|removed_threads|config_files", name)}
    tap.equal(missing, set(), "names of Falco that are not there")


def test_tls_and_a_taken_port():
    need_root()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        pem = os.path.join(folder, "falco.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key", "-out", f"{folder}/crt"],
                       check=True, capture_output=True)
        written(folder, "falco.pem", pathlib.Path(f"{folder}/key").read_text() + pathlib.Path(f"{folder}/crt").read_text())
        rules = written(folder, "r.yaml", RULE)
        with Sensor("-r", rules, *options("webserver.enabled=true", f"webserver.listen_port={port}",
                                          "webserver.ssl_enabled=true", f"webserver.ssl_certificate={pem}")) as sensor:
            trusted = ssl.create_default_context(cafile=f"{folder}/crt")
            tap.equal(get(f"https://127.0.0.1:{port}/healthz", trusted)[1], '{"status": "ok"}')
            sensor.stop()
        with Sensor("-r", rules, *options("webserver.enabled=true", "webserver.listen_address=127.0.0.1",
                                          f"webserver.listen_port={taken.getsockname()[1]}")) as sensor:
            sensor.wait_for_log("is taken")
            mark()
            sensor.wait_for_lines(1)
            sensor.stop()


def test_snapshots_of_metrics_come_as_alerts_and_lines():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "metrics"
        with Sensor("-r", written(folder, "r.yaml", RULE), *options(
                "json_output=true", "metrics.enabled=true", "metrics.interval=100ms", "metrics.convert_memory_to_mb=false",
                f"metrics.output_file={file}", "priority=critical", "sensor.hostname=node-7")) as sensor:
            mark()
            sensor.wait_for_lines(3)
            tap.equal(sensor.stop(), 0)
        snapshots = [json.loads(line) for line in sensor.lines]
        tap.equal({(one["rule"], one["priority"], one["source"]) for one in snapshots},
                  {("Falco internal: metrics snapshot", "Informational", "internal")})
        fields = snapshots[-1]["output_fields"]
        tap.equal(list(fields), sorted(fields))
        tap.equal((fields["evt.hostname"], fields["evt.source"], fields["scap.engine_name"]), ("node-7", "syscall", "modern_bpf"))
        for name in ("falco.start_ts", "falco.host_num_cpus", "falco.memory_rss_kb", "falco.kernel_release",
                     "falco.sha256_rules_file.r"):
            assert name in fields, fields
        assert "falco.outputs_queue_num_drops" not in fields, "zeros are left out"
        tap.equal(json.loads(file.read_text().splitlines()[-1])["rule"], "Falco internal: metrics snapshot")


def test_lost_events_are_an_alert_and_can_end_the_sensor():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", RULE)
        with Sensor("-r", rules, *options("syscall_event_drops.simulate_drops=true", "json_output=true")) as sensor:
            sensor.wait_for_lines(1)
            tap.equal(sensor.stop(), 0)
        told = json.loads(sensor.lines[0])
        tap.equal((told["rule"], told["priority"], told["source"]),
                  ("Falco internal: syscall event drop", "Debug", "internal"))
        found = re.fullmatch(r"Falco internal: syscall event drop\. (\d+) system calls dropped in last second\.", told["output"])
        tap.equal(found[1], told["output_fields"]["n_drops"])
        tap.equal(sorted(told["output_fields"]), [
            "ebpf_enabled", "n_drops", "n_drops_buffer_clone_fork_exit", "n_drops_buffer_close_exit",
            "n_drops_buffer_connect_exit", "n_drops_buffer_dir_file_exit", "n_drops_buffer_execve_exit",
            "n_drops_buffer_open_exit", "n_drops_buffer_other_interest_exit", "n_drops_buffer_proc_exit",
            "n_drops_buffer_total", "n_drops_bug", "n_drops_page_faults", "n_drops_scratch_map", "n_evts"])
        with Sensor("-r", rules, *options("syscall_event_drops.simulate_drops=true")) as sensor:
            sensor.wait_for_lines(1)
            sensor.stop()
        assert re.fullmatch(r"[\d:.]+: Debug Falco internal: syscall event drop\. \d+ system calls dropped in last second\. "
                            r'\(ebpf_enabled=\\"1\\" n_drops=\\"\d+\\" .*\)', sensor.lines[0]), sensor.lines
        actions = written(folder, "falco.yaml", "syscall_event_drops: {simulate_drops: true, actions: [exit]}\n")
        with Sensor("-c", actions, "-r", rules) as sensor:
            tap.equal(sensor.process.wait(20), 1)
        tap.wait_for("the reason", lambda: any("Error: Drop manager internal error" in line for line in sensor.log))


def test_events_that_really_got_lost_are_counted_by_class():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        # The filter in the kernel knows no ancestors, so it lets them pass.
        rules = written(folder, "r.yaml", RULE + "- rule: opens\n  desc: d\n  condition: evt.type in (open, openat) and "
                        "proc.aname[3] = nobody-at-all\n  output: x\n  priority: DEBUG\n")
        with Sensor("-r", rules, *options("sensor.ring_size=128KiB", "json_output=true",
                                          "syscall_event_drops.threshold=0")) as sensor:
            sensor.process.send_signal(signal.SIGSTOP)
            for _ in range(20000):
                os.close(os.open("/dev/null", os.O_RDONLY))
            sensor.process.send_signal(signal.SIGCONT)
            sensor.wait_for_lines(1)
            sensor.stop()
        fields = json.loads(sensor.lines[0])["output_fields"]
        assert int(fields["n_drops_buffer_open_exit"]) > 5000, fields
        assert int(fields["n_evts"]) >= int(fields["n_drops"]) >= int(fields["n_drops_buffer_total"]), fields


def test_silence_is_told():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        with Sensor("-r", written(folder, "r.yaml", RULE), *options(
                "syscall_event_timeouts.max_consecutives=2", "json_output=true")) as sensor:
            sensor.wait_for_lines(1)
            sensor.stop()
        told = json.loads(sensor.lines[0])
        tap.equal((told["rule"], told["priority"]), ("Falco internal: timeouts notification", "Debug"))
        tap.equal(told["output"], "Falco internal: timeouts notification. 2 consecutive timeouts without event.")
        tap.equal(list(told["output_fields"]), ["last_event_time"])


def test_wrong_settings_are_refused_with_words():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", RULE)
        for option, words in (("syscall_event_drops.threshold=2", '"2" is no number from 0 to 1'),
                              ("syscall_event_drops.actions[]=shout", '"shout" is none of: ignore log alert exit'),
                              ("syscall_event_drops.actions[]=ignore", '"ignore" cannot stand beside'),
                              ("syscall_event_timeouts.max_consecutives=0", "max_consecutives"),
                              ("metrics.interval=5", "metrics.interval"),
                              ("program_output.enabled=true", "program_output.program is empty")):
            status, _, err = run("-r", rules, "--dry-run", "-o", option)
            tap.equal(status, 1, option)
            assert words in err, err


def test_a_program_takes_alerts_and_is_started_again_when_it_ended():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", RULE)
        taken = pathlib.Path(folder) / "taken"
        for keep_alive in ("false", "true"):
            taken.write_text("")
            with Sensor("-r", rules, *options("program_output.enabled=true", f"program_output.keep_alive={keep_alive}",
                                              f"program_output.program=echo start >> {taken}; cat >> {taken}")) as sensor:
                def lines(count):
                    tap.wait_for(f"{count} lines", lambda: taken.read_text().count("\n") >= count)
                    return [line.split()[0] == "start" for line in taken.read_text().splitlines()]
                mark("1")
                tap.equal(lines(2), [True, False])
                mark("2")
                if keep_alive == "false":
                    tap.equal(lines(4), [True, False, True, False])
                else:
                    tap.equal(lines(3), [True, False, False])
                    sensor.process.send_signal(signal.SIGUSR1)
                    sensor.wait_for_log("reopening outputs")
                    mark("3")
                    tap.equal(lines(5), [True, False, False, True, False])
                tap.equal(sensor.stop(), 0)


def test_syslog_gets_alerts_with_the_rules_priority():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "r.yaml", RULE)
        # A private /dev with a log that the test reads: the sensor alone sees it.
        os.mkdir(f"{folder}/dev")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.bind(f"{folder}/dev/log")
            log.settimeout(20)
            import sensor as module
            program = pathlib.Path(folder) / "start"
            program.write_text(f"#!/bin/sh\ntouch /dev/log 2>/dev/null; exec unshare --mount sh -c 'mount --bind {folder}/dev/log /dev/log "
                               f"&& exec {module.PROGRAM} \"$@\"' sh \"$@\"\n")
            program.chmod(0o755)
            had_log = os.path.exists("/dev/log")
            before, module.PROGRAM = module.PROGRAM, str(program)
            try:
                with Sensor("-r", rules, *options("syslog_output.enabled=true", "log_syslog=false")) as sensor:
                    mark()
                    got = log.recv(65536).decode()
                    sensor.stop()
            finally:
                module.PROGRAM = before
                if not had_log:
                    os.unlink("/dev/log")
        # Facility user (1), level warning (4).
        assert re.match(rf"<{1 * 8 + 4}>.*tercel-sensor: [\d:.]+: Warning n={MARK}", got), got


if __name__ == "__main__":
    tap.main(globals())
