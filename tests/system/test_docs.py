#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What docs/ says is so: reference pages are as the programs print them, blocks marked `sh run` run, and what
a link names is there."""
import os
import pathlib
import re
import subprocess
import tempfile

import tap
from stack import BUILD, SOURCE

PAGES = sorted((SOURCE / "docs").glob("*.md"))
BLOCK = re.compile(r"^```sh run\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_reference_is_what_the_programs_print():
    """tools/reference makes it so."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([SOURCE / "tools/reference", BUILD, folder], check=True)
        for made in sorted(pathlib.Path(folder).iterdir()):
            kept = SOURCE / "docs/reference" / made.name
            tap.equal(kept.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), True, f"{made.name} is up to date")


def test_commands_that_are_marked_run():
    path = f"{BUILD / 'tercel'}:{os.environ['PATH']}"
    blocks = [(page.name, block) for page in PAGES for block in BLOCK.findall(page.read_text(encoding="utf-8"))]
    tap.equal(len(blocks) > 0, True)
    for name, block in blocks:
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", block], cwd=SOURCE, env={**os.environ, "PATH": path},
                              capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{name}: {block}{done.stdout[-1000:]}{done.stderr}")


def test_every_page_that_a_link_names_is_there():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            tap.equal((page.parent / target).exists(), True, f"{page.name} names {target}")


def test_every_setting_of_the_sensor_that_is_named_is_one():
    reference = (SOURCE / "docs/reference/sensor.md").read_text(encoding="utf-8")
    known = set(re.findall(r"`((?:sensor|container_metadata)\.[a-z_.]+)`", reference))
    tap.equal("container_metadata.timeout" in known, True)
    for page in [*PAGES, SOURCE / "README.md", SOURCE / "ARCHITECTURE.md"]:
        for key in re.findall(r"`((?:sensor|container_metadata)\.[a-z_.]+)`", page.read_text(encoding="utf-8")):
            is_file = pathlib.PurePath(key).suffix in (".tar", ".yaml", ".c", ".h", ".service")
            tap.equal(key in known or is_file, True, f"{page.name} names {key}")


if __name__ == "__main__":
    tap.main(globals())
