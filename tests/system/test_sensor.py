# SPDX-License-Identifier: Apache-2.0
"""The sensor as a program: what it says when it cannot work, and that its outputs lose nothing."""
import base64
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import uuid

import tap
from sensor import PROGRAM, Sensor, run, written
from stack import BUILD, SOURCE, copy_programs, free_port, need_root

# A file that nobody else on this machine opens.
SECRET = f"/tmp/tercel-test-{uuid.uuid4().hex}"
NOBODY = 65534


READ = f"evt.type in (open, openat, openat2) and fd.name = {SECRET} and evt.is_open_read = true"


def rule(name="reads", condition=READ, output="file=%fd.name"):
    return f"- rule: {name}\n  desc: d\n  condition: {condition}\n  output: \"{output}\"\n  priority: WARNING\n"


def read_secret(times=1):
    pathlib.Path(SECRET).touch()
    for _ in range(times):
        with open(SECRET, "rb") as file:
            file.read(1)


# ---------------------------------------------------------------- errors of the start


def test_a_broken_rule_is_shown_with_its_place_and_advice():
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "bad.yaml", rule(condition="proc.nam = cat"))
        status, out, err = run("-r", path)
        tap.equal(status, 1)
        tap.equal(out, "")
        assert err.splitlines()[-1].startswith("LOAD_ERR_COMPILE_CONDITION") or "did you mean" in err, err
        assert f"Error: {path}: Invalid" in err and "^" in err and "proc.name" in err, err


def test_a_missing_rules_file_and_none_at_all_are_told():
    status, _, err = run("-r", "/nowhere/rules.yaml")
    tap.equal(status, 1)
    assert "You must specify at least one rules file" in err and "/nowhere/rules.yaml" in err, err


def test_an_unknown_key_is_a_warning_that_names_the_nearest():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "ok.yaml", rule())
        path = written(folder, "falco.yaml", f"rules_files: [{rules}]\njson_ouput: true\nhttp_output:\n  ulr: x\n")
        status, _, err = run("-c", path, "--dry-run")
        tap.equal(status, 0)
        assert 'falco.yaml:2: unknown key \\"json_ouput\\"; did you mean \\"json_output\\"?' in err, err
        assert 'falco.yaml:4: unknown key \\"http_output.ulr\\"; did you mean \\"http_output.url\\"?' in err, err


def test_an_empty_settings_file_is_as_good_as_none():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "ok.yaml", rule())
        status, _, err = run("-c", "/dev/null", "-r", rules, "--dry-run")
        tap.equal(status, 0, err)


def test_keys_that_will_not_be_done_are_refused_with_the_reason():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "ok.yaml", rule())
        path = written(folder, "falco.yaml",
                       f"rules_files: [{rules}]\nload_plugins: [json, container]\n"
                       "metrics: {jemalloc_stats_enabled: true}\nfalco_libs:\n  snaplen: 4096\n"
                       "buffer_format_base64: true\nlibs_logger: {severity: info}\n")
        status, _, err = run("-c", path, "--dry-run")
        tap.equal(status, 0)
        assert "no effect" not in err, err
        told = sorted(line.partition("msg=")[2] for line in err.splitlines() if "is refused" in line)
        tap.equal(told, sorted([
            '"load_plugins: \\"json\\" is refused: no plugins can be loaded; container is built in"',
            f'"{path}:3: \\"metrics.jemalloc_stats_enabled\\" is refused: jemalloc is not used"',
            f'"{path}:5: \\"falco_libs.snaplen\\" is refused: 80 bytes of data are kept"']), err)
        _, _, err = run("-c", path, "--dry-run", "-o", "libs_logger.severity=debug", "-o", "libs_logger.enabled=true")
        assert '-o \\"libs_logger.severity\\" is refused: there is one log' in err, err
        assert "libs_logger.enabled" not in err, err


def in_force(*arguments):
    """What the settings come to."""
    status, out, err = run(*arguments, "--support")
    tap.equal(status, 0, err)
    return dict(line.split("=", 1) for line in json.loads(out)["config"].splitlines())


def test_config_files_are_merged_by_their_strategy():
    with tempfile.TemporaryDirectory() as folder:
        rules = [written(folder, f"{name}.yaml", rule()) for name in "ab"]
        more = written(folder, "more.yaml", f"rules_files: [{rules[1]}]\npriority: error\nhttp_output: {{echo: true}}\n"
                       "append_output: [{extra_output: x=%evt.num}]\nsyslog_output: {enabled: true}\n")
        wanted = {  # rules_files, priority, url, echo, syslog_output.enabled
            "append": (",".join(rules), "error", "", "true", "true"),
            "override": (rules[1], "error", "", "true", "true"),
            "add-only": (rules[0], "notice", "http://here/", "false", "true"),
        }
        for strategy, values in wanted.items():
            main = written(folder, "main.yaml", f"rules_files: [{rules[0]}]\npriority: notice\n"
                           "http_output: {url: http://here/}\nstatic_fields: {site: west}\n"
                           f"append_output: [{{extra_output: site=%static.site}}]\n"
                           f"config_files: [{{path: {more}, strategy: {strategy}}}, /nowhere]\n")
            config = in_force("-c", main)
            got = tuple(config[key] for key in ("rules_files", "priority", "http_output.url", "http_output.echo",
                                                "syslog_output.enabled"))
            tap.equal(got, values, strategy)
            _, out, err = run("-c", main, "-o", "json_output=true", "-l", "reads", "-r", rules[0])
            compiled = json.loads(out)["rules"][0]["details"]["output_compiled"]
            tap.equal(("site=%static.site" in compiled, "x=%evt.num" in compiled),
                      {"append": (True, True), "override": (False, True), "add-only": (True, False)}[strategy],
                      compiled + err)
        # A folder's files come by name, and each is merged with all before it.
        os.mkdir(f"{folder}/d")
        written(f"{folder}/d", "2.yaml", "priority: alert\n")
        written(f"{folder}/d", "1.yml", f"priority: error\nrules_files: [{rules[1]}]\n")
        written(f"{folder}/d", "3.txt", "priority: debug\n")
        main = written(folder, "main.yaml", f"rules_files: [{rules[0]}]\nconfig_files: [{folder}/d]\n")
        config = in_force("-c", main)
        tap.equal((config["rules_files"], config["priority"]), (",".join(rules), "alert"))


def test_config_files_that_cannot_be_are_refused_by_the_sensor_and_by_check():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "ok.yaml", rule())
        nested = written(folder, "nested.yaml", "priority: error\nconfig_files: [/x]\n")
        bad = written(folder, "bad.yaml", "json_ouput: true\nhttp_output: {keep_alive: perhaps}\n")
        main = f"{folder}/main.yaml"
        for entry, words in ((nested, f'{nested}:2: "config_files" can stand in the main file alone'),
                             (main, f'{main}:2: "config_files": the file names itself'),
                             (f"{{path: {nested}, strategy: merge}}", 'the strategy "merge" is none of: append'),
                             ("{strategy: append}", "each entry must be a path or have one"),
                             (bad, f'{bad}:2: "http_output.keep_alive": "perhaps" is neither true nor false')):
            written(folder, "main.yaml", f"rules_files: [{rules}]\nconfig_files: [{entry}]\n")
            status, _, err = run("-c", main, "--dry-run")
            tap.equal(status, 1, err)
            assert words in err, err
            done = subprocess.run([BUILD / "tercel/tercel", "check", main], capture_output=True, text=True)
            tap.equal(done.returncode, 1, done.stdout)
            assert words in done.stdout, done.stdout
        assert f'{bad}:1: unknown key "json_ouput"; did you mean "json_output"?' in done.stdout, done.stdout


def test_wrong_values_flags_and_files_are_one_clear_line():
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "ok.yaml", rule())
        settings = written(folder, "bad.yaml", "a: 1\njson_output: maybe\n")
        for arguments, words in (
                (("-c", settings), f'{settings}:2: "json_output": "maybe" is neither true nor false'),
                (("-c", "/nowhere.yaml"), "Could not find configuration file at /nowhere.yaml"),
                (("--dry-rn",), "unknown flag --dry-rn; did you mean --dry-run?"),
                (("-A",), "unknown flag -A"),
                (("-o", "json_ouput=true"), 'unknown key "json_ouput"; did you mean "json_output"?'),
                (("-o", "rule_matching=some"), '"some" is none of: first all'),
                (("extra",), 'unexpected argument "extra"'),
                (("-r", rules, "-o", "file_output.enabled=true", "-o", "file_output.filename=/nowhere/x"),
                 "file_output.filename: cannot write to /nowhere/x: No such file or directory"),
                (("-r", rules, "-o", "http_output.enabled=true"), "http_output.url is empty"),
                (("-l", "Read sensitive file untruste"), 'did you mean "Read sensitive file untrusted"?'),
                (("--enable-source", "k8s_audit"), 'no source "k8s_audit"'),
        ):
            status, _, err = run(*arguments)
            tap.equal(status, 1, str(arguments))
            errors = [line for line in err.splitlines() if not line.startswith("time=")]
            tap.equal(len(errors), 1, err)
            assert errors[0].startswith("Error: ") and words in errors[0], err


def test_without_root_it_says_what_is_missing():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = written(folder, "ok.yaml", rule())
        program = copy_programs(os.path.join(folder, "build")) / "sensor/tercel-sensor"
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", program, "-r", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        tap.equal(done.returncode, 1, done.stderr)
        errors = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
        tap.equal(len(errors), 1, done.stderr)
        assert "root" in errors[0] or "CAP_BPF" in errors[0], errors[0]


def test_without_btf_it_says_what_is_missing():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "ok.yaml", rule())
        script = f"mount -t tmpfs none /sys/kernel/btf && exec {PROGRAM} -r {path}"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=60)
        tap.equal(done.returncode, 1, done.stderr)
        errors = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
        tap.equal(len(errors), 1, done.stderr)
        assert "BTF" in errors[0], errors[0]


# ---------------------------------------------------------------- what is only printed


def test_rules_files_are_validated_as_text_and_json():
    with tempfile.TemporaryDirectory() as folder:
        good = written(folder, "good.yaml", rule())
        bad = written(folder, "bad.yaml", rule(name="other", condition="proc.nam = cat"))
        status, out, _ = run("-V", good)
        tap.equal((status, out), (0, f"{good}: Ok\n"))
        status, out, err = run("-V", good, "-V", bad)
        tap.equal(status, 1)
        assert f"{good}: Ok\n" in out and f"{bad}: Invalid\n1 Errors:\n" in out and "Error: " in err, out
        status, out, _ = run("-V", bad, "-o", "json_output=true")
        tap.equal(status, 1)
        result = json.loads(out)["falco_load_results"][0]
        tap.equal((result["successful"], result["errors"][0]["code"]), (False, "LOAD_ERR_COMPILE_CONDITION"))
        unused = written(folder, "unused.yaml", "- list: nobody\n  items: [a]\n" + rule())
        status, out, err = run("-V", unused)
        tap.equal((status, out), (0, f"{unused}: Ok, with warnings\n"))
        assert "level=warning" in err and "LOAD_UNUSED_LIST" in err, err
        status, _, err = run("-V", "/nowhere.yaml")
        tap.equal(status, 1)
        assert "Could not open file /nowhere.yaml for reading" in err, err


def test_references_and_versions_are_printed():
    for arguments, words in ((("--version",), "Tercel version: "), (("--help",), "--dry-run"),
                             (("--list",), "proc.name"), (("--list", "-N"), "\nfd.realname\n"),
                             (("--list", "--format", "markdown"), "| `proc.aname` |"),
                             (("--list-events",), "openat(FD fd, FD dirfd, FSRELPATH name"),
                             (("-L",), "Terminal shell in container"), (("--page-size",), "bytes"),
                             (("--config-schema",), '"stdout_output"')):
        status, out, err = run(*arguments)
        tap.equal(status, 0, err)
        assert words in out, out[:2000]
    for arguments in (("--support",), ("--list", "--format", "json"), ("--list-events", "--format=json"),
                      ("--config-schema",), ("--rule-schema",), ("-L", "-o", "json_output=true")):
        json.loads(run(*arguments)[1])


def test_what_tools_ask_falco_for_has_falcos_form():
    versions = json.loads(run("--version", "-o", "json_output=true")[1])
    tap.equal(sorted(versions), ["default_driver_version", "driver_api_version", "driver_schema_version",
                                 "engine_version", "engine_version_semver", "falco_version", "libs_version",
                                 "plugin_api_version", "plugin_versions", "tercel_version"])
    tap.equal((versions["engine_version_semver"], list(versions["plugin_versions"])), ("0.63.0", ["container"]))
    tap.equal(run("-i")[1].splitlines(), ["Ignored syscall(s):"] + [
        "- " + name for name in "sendfile preadv readv pread recv send pwritev writev write pwrite read".split()])
    assert run("--list-plugins")[1].startswith("1 Plugins Loaded:\n\nName: container\n")
    tap.equal(run("--plugin-info", "container")[0], 0)
    tap.equal(run("--plugin-info", "json")[0], 1)
    status, out, _ = run("--list=syscall", "-v")
    assert "\nField Class:                  proc\n" in out and "type CHARBUF" in out, out[:1000]
    tap.equal(run("--list=k8s_audit")[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "rules.yaml", rule())
        support = json.loads(run("--support", "-r", rules)[1])
        tap.equal(sorted(support), ["cmdline", "config", "config_file", "engine_info", "rules_files", "system_info",
                                    "version"])
        assert support["cmdline"].endswith(f"--support -r {rules}"), support["cmdline"]
        tap.equal(support["rules_files"], [{"name": rules, "variants": [{"content": rule()}]}])
        tap.equal(sorted(support["system_info"]), ["machine", "nodename", "release", "sysname", "version"])


def test_the_schema_of_settings_is_told_in_the_log_and_closed():
    schema = json.loads(run("--config-schema")[1])
    tap.equal((schema["type"], schema["additionalProperties"]), ("object", False))
    tap.equal(schema["properties"]["json_output"]["type"], "boolean")
    assert "grpc" not in schema["properties"], "gone from Falco's schema, too"
    with tempfile.TemporaryDirectory() as folder:
        rules = written(folder, "rules.yaml", rule())
        config = written(folder, "falco.yaml", f"rules_file: {rules}\nstdout_output: {{enabled: true}}\n")
        for arguments in (("-V", rules), ("--dry-run",), ("-L",)):
            status, _, err = run("-c", config, *arguments)
            tap.equal(status, 0, err)
            assert f"{config} | schema validation: failed for <root>: Object contains a property" in err, err
        good = written(folder, "good.yaml", f"rules_files: [{rules}]\nrules: [{{disable: {{tag: x}}}}]\n"
                       "append_output: [{suggested_output: true, extra_fields: [evt.num, {a: '%evt.type'}]}]\n"
                       "config_files: [/nowhere, {path: /nowhere2, strategy: append}]\npriority: Debug\n")
        assert f"{good} | schema validation: ok" in run("-c", good, "--dry-run")[2]
        both = written(folder, "both.yaml", f"rules_file: {rules}\nrules_files: [{rules}]\n")
        status, _, err = run("-c", both, "--dry-run")
        tap.equal(status, 1)
        assert "both" in err, err


def test_the_shipped_rules_and_a_stock_falco_yaml_load():
    status, _, err = run("--dry-run")
    tap.equal(status, 0, err)
    shared = os.environ.get("TERCEL_SHARED", str(SOURCE.parent / "shared"))
    stock = f"{shared}/data/falco.yaml"
    if not os.path.exists(stock):
        tap.skip("no ../shared/data/falco.yaml")
    status, _, err = run("-c", stock, "-r", str(SOURCE / "rules"), "--dry-run")
    tap.equal(status, 0, err)
    assert "unknown key" not in err and f"{stock} | schema validation: ok" in err, err


# ---------------------------------------------------------------- at work


def test_alerts_come_as_lines_and_the_end_is_clean():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule(output="file=%fd.name program=%proc.name"))
        pid_file = os.path.join(folder, "pid")
        with Sensor("-r", path, "-P", pid_file, "-o", "append_output[].extra_output=pid=%proc.pid") as sensor:
            tap.equal(int(pathlib.Path(pid_file).read_text()), sensor.process.pid)
            read_secret()
            sensor.wait_for_lines(1)
            tap.equal(sensor.stop(), 0)
        found = re.fullmatch(rf"[\d:]+\.\d+: Warning file={SECRET} program=(\S+) .*pid=(\d+).*",
                             sensor.lines[0])
        assert found and int(found[2]) == os.getpid(), sensor.lines


def test_data_is_printed_as_base64_and_failed_calls_are_left_out_where_that_is_wanted():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule("sends", "evt.type = sendto and evt.buffer contains tercel-secret",
                                              "data=%evt.buffer arg=%evt.arg.data")
                       + rule("reads", f"evt.type in (open, openat) and fd.name startswith {SECRET}", "res=%evt.res"))
        with Sensor("-r", path, "-o", "json_output=true", "-o", "buffer_format_base64=true",
                    "-o", "engine.modern_ebpf.drop_failed_exit=true", "-o", "engine.modern_ebpf.buf_size_preset=2",
                    "-o", "falco_libs.thread_table_size=2048") as sensor:
            assert not os.path.exists(SECRET + "-none")
            try:
                open(SECRET + "-none").close()
            except FileNotFoundError:
                pass
            one, other = socket.socketpair()
            one.send(b"tercel-secret\x00\xff")
            one.close()
            other.close()
            read_secret()
            sensor.wait_for_lines(2)
            tap.equal(sensor.stop(), 0)
        seen = [json.loads(line) for line in sensor.lines]
        tap.equal([(alert["rule"], alert["output_fields"].get("evt.res")) for alert in seen],
                  [("sends", None), ("reads", "SUCCESS")])
        coded = base64.b64encode(b"tercel-secret\x00\xff").decode()
        tap.equal((seen[0]["output_fields"]["evt.buffer"], seen[0]["output_fields"]["evt.arg.data"]), (coded, coded))


def test_json_alerts_have_falcos_keys():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule(output="file=%fd.name pid=%proc.pid"))
        with Sensor("-r", path, "-o", "json_output=true", "-o", "time_format_iso_8601=true",
                    environment={"FALCO_HOSTNAME": "node-7"}) as sensor:
            read_secret()
            sensor.wait_for_lines(1)
            sensor.stop(signal.SIGINT)
        alert = json.loads(sensor.lines[0])
        tap.equal(list(alert), ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"])
        tap.equal((alert["hostname"], alert["source"], alert["tags"]), ("node-7", "syscall", []))
        tap.equal(alert["output_fields"]["fd.name"], SECRET)
        tap.equal(alert["output_fields"]["proc.pid"], os.getpid())


def test_rules_can_be_switched_off_by_options():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule("one") + rule("two", output="two %fd.name"))
        with Sensor("-r", path, "-o", "rules[].disable.rule=on*") as sensor:
            read_secret()
            sensor.wait_for_lines(1)
            sensor.stop()
        assert f" two {SECRET}" in sensor.lines[0], sensor.lines


def test_files_are_rotated_by_a_signal():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule())
        alerts, moved = pathlib.Path(folder) / "alerts", pathlib.Path(folder) / "alerts.1"
        with Sensor("-r", path, "-o", "file_output.enabled=true", "-o", "file_output.keep_alive=true",
                    "-o", f"file_output.filename={alerts}") as sensor:
            read_secret()
            tap.wait_for("the first alert", lambda: alerts.read_text().count("\n") == 1)
            alerts.rename(moved)
            sensor.process.send_signal(signal.SIGUSR1)
            sensor.wait_for_log("reopening outputs")
            read_secret()
            tap.wait_for("the second alert", lambda: alerts.exists() and alerts.read_text().count("\n") == 1)
            sensor.stop()
        tap.equal(moved.read_text().count("\n"), 1)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken.extend(body if isinstance(body, list) else [body])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def receiver(port, taken):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    server.taken = taken
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def lose_nothing(batch):
    need_root()
    port, taken = free_port(), []
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule())
        with Sensor("-r", path, "-o", "json_output=true", "-o", "http_output.enabled=true",
                    "-o", f"http_output.url=http://127.0.0.1:{port}/", "-o", f"http_output.batch={batch}") as sensor:
            read_secret(10)
            sensor.wait_for_log("alerts wait and are sent again")
            server = receiver(port, taken)
            tap.wait_for("the alerts of before", lambda: len(taken) == 10)
            server.shutdown()
            server.server_close()
            read_secret(100)
            sensor.wait_for_lines(110)
            server = receiver(port, taken)
            tap.wait_for("the alerts of meanwhile", lambda: len(taken) >= 110)
            tap.equal(sensor.stop(), 0)
            server.shutdown()
            server.server_close()
    tap.equal(len({alert["uuid"] for alert in taken}), 110, "different uuids")
    tap.equal(len(taken), 110)
    tap.equal(sorted(alert["time"] for alert in taken),
              sorted(json.loads(line)["time"] for line in sensor.lines if line.startswith("{")))


def test_a_receiver_that_comes_late_and_goes_away_loses_nothing():
    lose_nothing("false")


def test_a_receiver_of_batches_loses_nothing_either():
    lose_nothing("true")


def test_base_syscalls_take_away_what_rules_name_and_say_so():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule() + rule("made", f"evt.type = mkdir and evt.arg.path = {folder}/d",
                                                       "made %evt.arg.path"))
        settings = written(folder, "falco.yaml",
                           f"rules_files: [{path}]\nstdout_output: {{enabled: true}}\nbase_syscalls:\n  custom_set: [close, '!openat', '!nocall']\n")
        with Sensor("-c", settings) as sensor:
            read_secret()
            os.mkdir(folder + "/d")
            sensor.wait_for_lines(1)
            sensor.stop()
        tap.equal(len(sensor.lines), 1)
        assert "made" in sensor.lines[0], sensor.lines
        log = "\n".join(sensor.log)
        assert "(unsupported-evttype): openat" in log and "Invalid (negative) syscall names" in log, log


def test_addresses_are_compared_with_domain_names():
    need_root()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = written(folder, "r.yaml", rule(
            condition=f"evt.type = connect and fd.sport = {port} and fd.sip.name in (localhost, other.invalid)",
            output="to %fd.sip.name"))
        with Sensor("-r", path) as sensor:
            def is_told():
                socket.create_connection(("127.0.0.1", port)).close()
                return sensor.lines
            tap.wait_for("an alert once the name is looked up", is_told)
            sensor.stop()
        assert " to localhost" in sensor.lines[0], sensor.lines


def test_ignored_processes_and_what_they_start_make_no_alert():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "r.yaml", rule(output="by %proc.name"))
        pathlib.Path(SECRET).write_text("x\n")
        with subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sibling:
            with Sensor("-r", path, environment={"TERCEL_IGNORE_PIDS": str(sibling.pid)}) as sensor:
                sibling.communicate(f"read line < {SECRET}; head -c1 {SECRET}\n")
                subprocess.run(["tail", "-c1", SECRET], stdout=subprocess.DEVNULL, check=True)
                sensor.wait_for_lines(1)
                sensor.stop()
        tap.equal([line.rsplit("by ", 1)[1].split()[0] for line in sensor.lines], ["tail"])


if __name__ == "__main__":
    try:
        tap.main(globals())
    finally:
        pathlib.Path(SECRET).unlink(missing_ok=True)
