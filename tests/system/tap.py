# SPDX-License-Identifier: Apache-2.0
"""Tests as functions whose names are sentences; prints TAP as tests/test.h does.

    def test_a_taken_port_is_named(): ...
    if __name__ == "__main__": tap.main(globals())

A test fails by an exception, and leaves by tap.skip("why"). Arguments choose tests by substring."""
import sys
import time
import traceback


class Skipped(Exception):
    pass


def skip(reason):
    raise Skipped(reason)


def wait_for(what, condition, seconds=60):
    """Waits until condition() gives something true, and returns it. Fails after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what or 'value'}\n  is  {got!r}\n  not {want!r}")


def main(names):
    tests = [(name, run) for name, run in names.items() if name.startswith("test_")]
    chosen = [t for t in tests if len(sys.argv) < 2 or any(a in t[0] for a in sys.argv[1:])]
    failed = 0
    for number, (name, run) in enumerate(chosen, 1):
        title = name.removeprefix("test_")
        try:
            run()
            print(f"ok {number} - {title}", flush=True)
        except Skipped as why:
            print(f"ok {number} - {title} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {title}", flush=True)
    print(f"1..{len(chosen)}")
    sys.exit(1 if failed else 0)
