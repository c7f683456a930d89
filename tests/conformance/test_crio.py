#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""OpenShift's runtime: the CRI-O of its Go module, with conmon and runc, on a root and socket of its own."""
import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import go_modules
import runtimes
import tap
from runtimes import IMAGE
from test_containers import check_decisions_on_first_execs, check_first_execs_of_pods

# CRI-O gives a privileged container every capability that the kernel knows; a machine for tests may have
# fewer itself. Stands before runc and takes those out of the bundle that it has not.
RUNC = r"""#!/usr/bin/python3
import json, os, re, sys
arguments = sys.argv[1:]
if "create" in arguments:
    path = arguments[arguments.index("--bundle") + 1] + "/config.json"
    with open("/proc/self/status", encoding="ascii") as status:
        mine = int(re.search(r"CapBnd:\s+(\w+)", status.read()).group(1), 16)
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    for names in config["process"]["capabilities"].values():
        names[:] = [name for name in names if mine >> ORDER.index(name) & 1]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
os.execv("{runc}", ["runc", *arguments])
"""


def capabilities():
    """Their names, in the order of their numbers, as the kernel's header has them."""
    header = pathlib.Path("/usr/include/linux/capability.h").read_text(encoding="utf-8")
    found = {int(number): name for name, number in re.findall(r"^#define (CAP_\w+)\s+(\d+)$", header, re.MULTILINE)}
    return [found[number] for number in sorted(found)]


class Crio(runtimes.Cri):
    config = """[crio]
root = "{0}/root"
runroot = "{0}/run"
storage_driver = "vfs"
log_dir = "{0}/logs"
version_file = "{0}/version"
version_file_persist = "{0}/version-persist"
clean_shutdown_file = "{0}/clean"
internal_wipe = false
[crio.api]
listen = "{0}/crio.sock"
[crio.runtime]
default_runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
pinns_path = "{1}/pinns"
container_exits_dir = "{0}/exits"
container_attach_socket_dir = "{0}/attach"
namespaces_dir = "{0}/namespaces"
ctr_stop_timeout = 1
apparmor_profile = "unconfined"
seccomp_profile = ""
[crio.runtime.runtimes.runc]
runtime_path = "{2}"
runtime_root = "{0}/runc"
monitor_path = "{3}"
[crio.image]
pause_image = "{4}"
signature_policy = "{0}/policy.json"
[crio.network]
network_dir = "{0}/cni"
plugin_dirs = ["{0}/cni"]
[crio.nri]
enable_nri = false
"""

    def prepare(self):
        super().prepare()
        self.socket = os.path.join(self.folder, "crio.sock")
        self.programs = go_modules.cri_o()
        for name in ("cni", "conf.d"):
            os.mkdir(os.path.join(self.folder, name))
        pathlib.Path(self.folder, "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        runc = pathlib.Path(self.folder, "limited-runc")
        runc.write_text(RUNC.replace("ORDER", repr(capabilities())).replace("{runc}", shutil.which("runc")))
        runc.chmod(0o755)
        pathlib.Path(self.folder, "crio.conf").write_text(self.config.format(
            self.folder, self.programs, runc, shutil.which("conmon"), IMAGE))

    def command(self):
        return [str(self.programs / "crio"), "--config", f"{self.folder}/crio.conf",
                "--config-dir", f"{self.folder}/conf.d"]

    def load(self, name, archive):
        store = f"containers-storage:[vfs@{self.folder}/root+{self.folder}/run]"
        runtimes.run("skopeo", "--insecure-policy", "copy", f"docker-archive:{archive}:{name}", store + name)

    def clean(self):
        for pod in self.pods.values():
            self.remove_pod((pod, None))
        super().clean()


def test_first_exec_under_cri_o_has_all_metadata():
    runtimes.need("conmon")
    check_first_execs_of_pods(Crio(), "cri-o")


def test_rules_decide_rightly_on_the_first_exec_with_a_cri_o_that_takes_200_ms():
    runtimes.need("conmon")
    check_decisions_on_first_execs(Crio())


if __name__ == "__main__":
    tap.main(globals())
