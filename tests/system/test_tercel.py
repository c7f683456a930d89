# SPDX-License-Identifier: Apache-2.0
"""The front command: one clear line for each thing that goes wrong, and the references."""
import json
import os
import socket
import subprocess
import tempfile

import tap
from stack import BUILD, SOURCE, copy_programs, free_port, need_root

TERCEL = str(BUILD / "tercel/tercel")


def run(*arguments, **options):
    result = subprocess.run([TERCEL, *arguments], capture_output=True, text=True, timeout=60,
                            stdin=subprocess.DEVNULL, check=False, **options)
    return result.returncode, result.stdout, result.stderr


def open_folder():
    """A folder that other users may enter too."""
    folder = tempfile.TemporaryDirectory()
    os.chmod(folder.name, 0o755)
    return folder


def up(folder, *arguments):
    """tercel up with everything of its own; must end by itself."""
    return run("up", "--state", os.path.join(folder, "state"), "--forwarder", f"127.0.0.1:{free_port()}",
               "--dashboard", f"127.0.0.1:{free_port()}", *arguments)


def test_without_a_command_it_says_what_there_is():
    status, out, err = run()
    tap.equal((status, out), (2, ""))
    for command in ("up", "sensor", "forwarder", "dashboard", "check", "fields", "doctor"):
        assert f"  {command} " in err, err


def test_an_unknown_command_names_the_nearest():
    status, _, err = run("chek")
    tap.equal(status, 2)
    assert 'did you mean "check"?' in err, err


def test_up_without_root_says_what_is_missing_in_one_line():
    need_root()
    with open_folder() as folder:
        result = subprocess.run([copy_programs(folder) / "tercel/tercel", "up"], capture_output=True, text=True,
                                timeout=60, user=65534, group=65534, extra_groups=[], check=False)
        tap.equal((result.returncode, result.stdout, result.stderr.count("\n")), (1, "", 1))
        assert "root is needed" in result.stderr and "tercel doctor" in result.stderr, result.stderr


def test_up_refuses_an_address_without_a_port():
    status, _, err = run("up", "--dashboard", "localhost")
    tap.equal((status, err.count("\n")), (2, 1))
    assert '"localhost" must be ADDRESS:PORT' in err, err


def test_up_works_from_a_build_tree_that_is_closed_to_others():
    """As after a clone in root's home."""
    need_root()
    import stack
    with tempfile.TemporaryDirectory() as closed:
        kept, stack.BUILD = stack.BUILD, copy_programs(closed)
        try:
            with stack.Stack("-r", str(SOURCE / "rules")) as running:
                tap.equal(running.stop(), 0)
        finally:
            stack.BUILD = kept


def test_up_says_when_its_state_cannot_be_reached_by_an_unprivileged_user():
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = up(folder)
        tap.equal((status, out, err.count("\n")), (1, "", 1))
        assert f"because {folder} is closed to others" in err, err


def test_up_names_a_port_that_is_taken():
    need_root()
    for option in ("--dashboard", "--forwarder"):
        with open_folder() as folder, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            status, _, err = up(folder, option, f"127.0.0.1:{port}")
            tap.equal(status, 1)
            assert f"127.0.0.1:{port}" in err and "taken" in err, err
            assert f"tercel up: the {option[2:]} did not start" in err, err


def test_up_with_a_broken_rule_shows_where_it_is_broken():
    need_root()
    with open_folder() as folder:
        rules = os.path.join(folder, "broken.yaml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write("- rule: R\n  desc: d\n  condition: proc.nmae = x\n  output: o\n  priority: INFO\n")
        status, _, err = up(folder, "-r", rules)
        tap.equal(status, 1)
        assert "proc.nmae" in err and "proc.name" in err, err
        assert "tercel up: the sensor did not start" in err, err


def test_a_second_up_on_the_same_state_is_refused():
    need_root()
    from stack import Stack
    with Stack() as first:
        status, _, err = run("up", "--state", first.state)
        tap.equal((status, err.count("\n")), (1, 1))
        assert "another tercel up is running" in err, err


def test_check_tells_rules_from_settings():
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "rules.yaml": "- rule: R\n  desc: d\n  condition: proc.nmae = x\n  output: o\n  priority: INFO\n",
            "falco.yaml": "jsno_output: true\nrules_files: []\n",
            "forwarder.yaml": "webhook:\n  adress: http://localhost/\ncustomtags: [a]\n",
        }
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        status, out, _ = run("check", *(os.path.join(folder, name) for name in files))
        tap.equal(status, 1)
        for words in ("did you mean proc.name?", 'did you mean "json_output"?', 'did you mean "webhook.address"?'):
            assert words in out, out
        status, out, _ = run("check", os.path.join(folder, "none.yaml"))
        tap.equal(status, 1)
        assert "none.yaml" in out and "No such file" in out, out


def test_the_shipped_rules_are_right():
    status, out, _ = run("check", str(SOURCE / "rules/tercel_rules.yaml"))
    tap.equal((status, out.count("\n")), (0, 1))


def test_references_come_as_text_markdown_and_json():
    for command in (["fields"], ["events"], ["outputs"], ["settings", "sensor"], ["settings", "forwarder"],
                    ["settings", "dashboard"]):
        assert len(run(*command)[1]) > 100, command
        assert run(*command, "--markdown")[1].lstrip().startswith(("|", "#")), command
        assert json.loads(run(*command, "--json")[1]), command
        tap.equal(run(*command, "--csv")[0], 2)


def test_the_page_of_outputs_is_what_the_tables_say():
    """build/tercel/tercel outputs --markdown > docs/outputs.md makes it so."""
    tap.equal((SOURCE / "docs/outputs.md").read_text(encoding="utf-8"), run("outputs", "--markdown")[1], "docs/outputs.md")


def test_doctor_answers_each_question():
    status, out, _ = run("doctor", "--json")
    findings = {one["question"]: one for one in json.loads(out)}
    assert {"kernel", "BTF", "loading", "reading", "locked memory", "eBPF", "programs", "io_uring", "lockdown", "SELinux",
            "pid namespace", "cgroups", "runtimes"} <= set(findings), findings
    tap.equal(status, 1 if "missing" in {one["state"] for one in findings.values()} else 0)
    assert all(one["advice"] for one in findings.values() if one["state"] != "good"), findings


def test_doctor_tells_which_capabilities_are_missing_and_what_for():
    need_root()

    def asked(kept):
        done = subprocess.run(["setpriv", "--bounding-set", f"-all{kept}", "--inh-caps", "-all", str(BUILD / "tercel/tercel"),
                               "doctor", "--json"], capture_output=True, text=True, timeout=60)
        return done.returncode, {one["question"]: one for one in json.loads(done.stdout)}

    status, none = asked("")
    tap.equal((status, none["loading"]["state"], none["reading"]["state"]), (1, "missing", "limited"))
    assert "BPF PERFMON" in none["loading"]["detail"] and "SYS_PTRACE" in none["reading"]["detail"], none
    for kept in ("+bpf,+perfmon", "+sys_admin"):
        found = asked(f",{kept}")[1]
        tap.equal((found["loading"]["state"], found["eBPF"]["state"], found["reading"]["state"]),
                  ("good", "good", "limited"), kept)
    found = asked(",+bpf,+perfmon,+sys_ptrace,+dac_read_search")[1]
    tap.equal({found[name]["state"] for name in ("loading", "reading", "eBPF", "programs")}, {"good"})


if __name__ == "__main__":
    tap.main(globals())
