# SPDX-License-Identifier: Apache-2.0
"""tercel test and tercel explain: what rules do, and what they compile to."""
import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree

import tap
from containers import Container, need_runc
from stack import BUILD, SOURCE

TERCEL = str(BUILD / "tercel/tercel")
NAME = "cd34ef56ab12" + "0" * 52
RULES = """
- list: shells
  items: [sh, bash]
- macro: in_container
  condition: container.id != host
- rule: Shell
  desc: d
  condition: evt.type in (execve, execveat) and evt.res = SUCCESS and in_container and proc.name in (shells)
  output: "shell %proc.name in %container.name"
  priority: NOTICE
- rule: Secret
  desc: d
  condition: evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.name = /etc/shadow and in_container
  output: "%fd.name by %proc.name"
  priority: WARNING
- rule: Sleeping
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: INFO
  enabled: false
"""


def run(*arguments, status=0, **options):
    done = subprocess.run([TERCEL, *arguments], capture_output=True, text=True, timeout=120, **options)
    tap.equal(done.returncode, status, done.stdout + done.stderr)
    return done


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_rules_are_found_beside_the_tests_and_pass():
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "rules.yaml", RULES)
        tests = write(folder, "tests.yaml", """
- rules: rules.yaml
- rule: Shell
  fire: [evt.type=execve evt.res=SUCCESS container.id=ab12 proc.name=bash]
  quiet: [evt.type=execve evt.res=SUCCESS container.id=host proc.name=bash, evt.type=execve evt.res=ENOENT container.id=ab12 proc.name=sh]
""")
        tap.equal(run("test", tests).stdout, "2 passed, 0 failed\n")
        tap.equal(run("test", "--tap", tests).stdout.splitlines()[-1], "1..2")
        out = run("test", "--complete", tests, status=1).stdout
        assert "Secret: has tests: failed" in out and "Shell: names tactic and technique: failed" in out, out


def test_what_fails_is_told_with_file_line_and_what_happened_instead():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", RULES)
        tests = write(folder, "tests.yaml", """- rule: Shell
  fire:
    - evt.type=execve evt.res=SUCCESS container.id=ab12 proc.name=cat
    - evt.type=openat container.id=ab12 fd.name=/etc/shadow evt.is_open_read=true
    - evt.type=execve proc.nam=sh
- rule: Secre
- rule: Sleeping
  fire: [evt.type=execve proc.name=x]
- rule: Shell
  quite: []
- rule: Shell
- nothing
- recording: missing.rec
  fire: [Shell]
""")
        junit = os.path.join(folder, "report.xml")
        out = run("test", "-r", rules, "--junit", junit, tests, status=1).stdout
        for words in (f"{tests}:3: nothing alerts: evt.type=execve", f'{tests}:4: "Secret" alerts instead',
                      f'{tests}:5: no field "proc.nam"; did you mean "proc.name"?',
                      f'{tests}:6: the test is well formed: failed\n  rule "Secre" does not exist; did you mean "Secret"?',
                      'rule "Sleeping" is disabled', 'unknown key "quite"; did you mean "quiet"?',
                      "there is neither `fire` nor `quiet`", f"{tests}:12: the test is well formed",
                      "missing.rec cannot be read", "0 passed, 7 failed"):
            assert words in out, f"{words}\nis not in\n{out}"
        cases = xml.etree.ElementTree.parse(junit).getroot().findall("testsuite/testcase")
        tap.equal((len(cases), len([case for case in cases if case.find("failure") is not None])), (7, 7))
        report = json.loads(run("test", "-r", rules, "--json", tests, status=1).stdout)
        tap.equal((report["passed"], report["failed"], report["tests"][0]["line"]), (0, 7, 3))


def test_broken_rules_and_files_are_failures_too():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", RULES.replace("proc.name = x", "proc.nam = x"))
        tests = write(folder, "tests.yaml", "- rule: Shell\n  fire: [evt.type=execve]\n")
        assert "did you mean" in run("test", "-r", rules, tests, status=1).stdout
        assert "No such file" in run("test", "/nowhere.yaml", status=1).stdout
        assert "a file of tests is a list" in run("test", write(folder, "map.yaml", "a: b\n"), status=1).stdout
        run("test", status=2)


def test_the_shipped_rules_pass_their_tests():
    run("test", "--complete", str(SOURCE / "rules/tests/tercel_rules.yaml"))


def test_explain_writes_macros_and_lists_out_and_orders_the_tests():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", RULES)
        out = run("explain", "Secret", "-r", rules).stdout
        for words in ("fd.name = /etc/shadow and container.id != host)", "event types (3): open, openat, openat2",
                      f"{rules}:", "number 2 of", "of both views of a path", "of all rules"):
            assert words in out, f"{words}\nis not in\n{out}"
        fact = json.loads(run("explain", "Shell", "-r", rules, "--json").stdout)
        assert "proc.name in (sh, bash)" in fact["condition"], fact["condition"]
        tap.equal(fact["events"], ["execve", "execveat"])
        tests = fact["chains"][0]["tests"]
        tap.equal(sorted(test["test"] for test in tests),
                  ["container.id != host", "evt.res = SUCCESS", "proc.name in (sh, bash)"])
        tap.equal([test["no"] for test in tests], [False] * 3)
        tap.equal((tests[-1]["yes"], tests[0]["yes"], tests[0]["test"]), (True, 2, "container.id != host"))
        fields = {field["name"]: field for field in fact["fields"]}
        tap.equal((fields["container.name"]["waits"], fields["container.name"]["condition"]), (True, False))
        err = run("explain", "Shel", "-r", rules, status=1).stderr
        tap.equal(err, 'tercel: there is no rule "Shel"; did you mean "Shell"?\n')


def test_constants_of_the_settings_count_in_check_test_and_explain():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", "- rule: Here\n  desc: d\n  priority: INFO\n"
                      "  condition: evt.type = open and static.site = home\n  output: \"%static.site\"\n")
        settings = write(folder, "falco.yaml", "static_fields: {site: home}\njson_output: true\n")
        assert "static_fields" in run("check", rules, status=1).stdout
        tap.equal(run("check", settings, rules).stdout, f"{settings}: ok\n{rules}: ok\n")
        wrong = write(folder, "wrong.yaml", "append_output: [{extra_output: [a]}]\njson_output: true\nprioriti: info\n"
                      "rule_matching: frist\n")
        out = run("check", wrong, status=1).stdout
        assert 'did you mean "priority"?' in out and 'did you mean "first"?' in out, out
        tests = write(folder, "tests.yaml", "- rule: Here\n  fire: [evt.type=open]\n  quiet: [evt.type=openat]\n")
        tap.equal(run("test", "-r", rules, "-c", settings, tests).stdout, "2 passed, 0 failed\n")
        run("test", "-r", rules, tests, status=1)
        assert "static.site = home" in run("explain", "Here", "-r", rules, "-c", settings).stdout
        run("explain", "Here", "-r", rules, status=1)


def test_explain_tells_what_a_rule_costs():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", "- rule: Reads\n  desc: d\n  priority: INFO\n  output: o\n"
                      "  condition: evt.type in (read, connect) and fd.name = /x\n"
                      "- rule: Any\n  desc: d\n  priority: INFO\n  output: o\n  condition: proc.name = x\n"
                      "- rule: Few\n  desc: d\n  priority: INFO\n  output: o\n  condition: evt.type = open\n")
        out = run("explain", "Reads", "-r", rules).stdout
        assert "cost: read only move data and are most of what a host does; this rule switches them on" in out, out
        fact = json.loads(run("explain", "Reads", "-r", rules, "--json").stdout)
        tap.equal((fact["transfers"], fact["switches_transfers_on"]), (["read"], True))
        fact = json.loads(run("explain", "Any", "-r", rules, "--json").stdout)
        tap.equal(("write" in fact["transfers"], fact["switches_transfers_on"]), (True, False))
        assert "leaves them off" in run("explain", "Any", "-r", rules).stdout
        assert "cost:" not in run("explain", "Few", "-r", rules).stdout


def test_a_recording_of_a_container_is_tested_and_gives_selectivity():
    need_runc()
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", RULES)
        recording = os.path.join(folder, "box.rec")
        with Container(NAME) as box:
            process = subprocess.Popen([TERCEL, "record", "-w", recording, "-r", rules, "-M", "4"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            for line in process.stderr:
                if "watching with" in line:
                    break
            box.run("sh", "-c", "cat /etc/shadow")
            box.run("true")
            process.communicate(timeout=60)
        tests = write(folder, "tests.yaml", "- rules: rules.yaml\n- recording: box.rec\n"
                      "  fire: [{rule: Shell, times: 1}, Secret]\n")
        tap.equal(run("test", tests).stdout, "2 passed, 0 failed\n")
        wrong = write(folder, "wrong.yaml", "- rules: rules.yaml\n- recording: box.rec\n"
                      "  fire: [{rule: Shell, times: 2}]\n  quiet: [Secret]\n")
        out = run("test", wrong, status=1).stdout
        assert "it alerts 1 times, not 2" in out and "Secret: keeps quiet in the recording: failed" in out, out
        fact = json.loads(run("explain", "Shell", "-r", rules, "--recording", recording, "--json").stdout)
        tap.equal(fact["recording"]["matches"], 1)
        tests = fact["chains"][0]["tests"]
        assert tests[0]["asked"] == fact["recording"]["events_of_types"] >= 2, fact
        tap.equal(tests[1]["asked"], tests[0]["true"])


if __name__ == "__main__":
    tap.main(globals())
