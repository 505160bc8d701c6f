"""A demo network of real processes for as long as a test needs it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request

KEY = SECRET = "demo"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running():
    """Yields the port of a gateway in front of four validators and people who trade."""
    port = free_port()
    command = [os.environ["CLOCKLESS"], "demo", "--for", "600s", "--listen", f"127.0.0.1:{port}"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        first = demo.stdout.readline()
        assert "validators" in first, first
        wait_until_ready(port)
        yield port
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)


def wait_until_ready(port):
    give_up = time.time() + 180
    while time.time() < give_up:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2):
                return
        time.sleep(0.2)
    raise AssertionError("the gateway is not ready")
