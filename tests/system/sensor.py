# SPDX-License-Identifier: Apache-2.0
"""The sensor alone, with rules of the test."""
import os
import pathlib
import signal
import subprocess
import threading

import tap
from stack import BUILD

PROGRAM = str(BUILD / "sensor/tercel-sensor")


def run(*arguments, **options):
    """Runs it to its end; returns status, stdout and stderr."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, **options)
    return done.returncode, done.stdout, done.stderr


def written(folder, name, text):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    return str(path)


class Sensor:
    """with Sensor("-r", FILE) as sensor: a running one"""
    wrapper = []  # a program that starts it

    def __init__(self, *arguments, environment=None):
        self.arguments = arguments
        self.environment = environment or {}
        self.lines = []
        self.log = []

    def __enter__(self):
        self.process = subprocess.Popen([*self.wrapper, PROGRAM, *self.arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **self.environment})
        for stream, kept in ((self.process.stdout, self.lines), (self.process.stderr, self.log)):
            threading.Thread(target=self.read, args=(stream, kept), daemon=True).start()
        self.wait_for_log("watching with")
        return self

    @staticmethod
    def read(stream, kept):
        for line in stream:
            kept.append(line.rstrip("\n"))

    def wait_for_log(self, words, count=1):
        def is_there():
            if sum(words in line for line in self.log) >= count:
                return True
            assert self.process.poll() is None, "the sensor ended:\n" + "\n".join(self.log)
            return False
        tap.wait_for(f"'{words}' in the log", is_there, 60)

    def wait_for_lines(self, count):
        tap.wait_for(f"{count} alerts", lambda: len(self.lines) >= count)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(20)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class SensorWithTracefs(Sensor):
    """In a mount namespace of its own, where tracefs is mounted."""
    wrapper = ["unshare", "--mount", "sh", "-c", "[ -e /sys/kernel/tracing/events ] || "
               "mount -t tracefs tracefs /sys/kernel/tracing; exec \"$@\"", "sh"]
