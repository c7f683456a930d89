#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A newcomer's path, timed: from a clone to the first alert on this host, and from `helm template` to objects
that a real API server has taken. Prints; claims nothing.

usage: bench_newcomer.py [host | cluster]
With $TERCEL_BUILD set the clone is not built: what is measured is the rest."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "system"), str(HERE.parent / "conformance")]
BEGUN = time.monotonic()


def tell(what):
    print(f"{time.monotonic() - BEGUN:8.1f} s  {what}", flush=True)


def host():
    with tempfile.TemporaryDirectory(prefix="tercel-newcomer-") as folder:
        os.chmod(folder, 0o755)
        subprocess.run(["git", "clone", "--quiet", HERE.parents[1], f"{folder}/tercel"], check=True)
        tell("cloned")
        if "TERCEL_BUILD" not in os.environ:
            subprocess.run(["make", "--silent", "-C", f"{folder}/tercel"], check=True)
            os.environ["TERCEL_BUILD"] = f"{folder}/tercel/build"
            tell("built")
        import stack
        import tap
        with stack.Stack() as up:
            tell("started (tercel up)")
            subprocess.run(["cat", "/etc/shadow"], check=True, stdout=subprocess.DEVNULL)
            tap.wait_for("the first alert", lambda: any(
                one["rule"] == "Read sensitive file untrusted" for one in up.events()), 60)
            tell("first alert on the dashboard")


def cluster():
    import test_chart
    with test_chart.ApiServer() as api:
        api.add_openshift()
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco"}})
        tell("an API server runs (a cluster has one)")
        manifests = test_chart.render(*test_chart.OPENSHIFT, *test_chart.SEED)
        tell(f"helm template: {len(manifests)} objects")
        for manifest in manifests:
            api.apply(manifest, "falco")
        tell("all taken by the API server")


def main():
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    for run in [host, cluster] if len(sys.argv) < 2 else [globals()[sys.argv[1]]]:
        run()


main()
