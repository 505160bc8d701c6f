#!/usr/bin/env python3
"""What a network carries with one, two and more workers a validator, each on a host of its own.

Hosts are network namespaces on this machine, joined by a bridge; each worker's host sends and receives at a limited
rate, so that the network is what runs out and not the processor. Primaries have hosts of their own without a limit.
Needs root, iproute2 and the Python package grpcio; takes nothing but its own namespaces.

    ops/workers_lab.py target/release/clockless --workers 1 2 4 --rate 16mbit --seconds 15
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

VALIDATORS = 4
BASE_PORT = 7000
TRANSACTION_BYTES = 512
# Transactions of one client that are not final yet, and how many it sends at once: so few that nothing is asked for again
# while it waits for a slow link.
WINDOW, TOGETHER = 400, 50
SWITCH, BRIDGE = "cwl-switch", "cwl-bridge"


def sh(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Hosts:
    """Namespaces on one bridge; all are gone when this is closed."""

    def __init__(self):
        self.names = [SWITCH]
        sh("ip", "netns", "add", SWITCH)
        sh("ip", "-n", SWITCH, "link", "add", BRIDGE, "type", "bridge")
        sh("ip", "-n", SWITCH, "link", "set", BRIDGE, "up")

    def add(self, rate):
        """A host and its address; `rate` limits both directions, None neither."""
        number = len(self.names)
        name, address, near, far = f"cwl-{number}", f"10.88.0.{number}", f"cwn{number}", f"cwf{number}"
        sh("ip", "netns", "add", name)
        self.names.append(name)
        sh("ip", "link", "add", near, "netns", SWITCH, "type", "veth", "peer", "name", far, "netns", name)
        sh("ip", "-n", SWITCH, "link", "set", near, "master", BRIDGE, "up")
        sh("ip", "-n", name, "link", "set", "lo", "up")
        sh("ip", "-n", name, "addr", "add", f"{address}/24", "dev", far)
        sh("ip", "-n", name, "link", "set", far, "up")
        if rate:
            shape = ("root", "tbf", "rate", rate, "burst", "64kb", "latency", "100ms")
            sh("tc", "-n", SWITCH, "qdisc", "add", "dev", near, *shape)
            sh("tc", "-n", name, "qdisc", "add", "dev", far, *shape)
        return name, address

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)


def on(host, *command):
    return ["ip", "netns", "exec", host, *command]


def drive(address):
    """A client that keeps its window full, for ever."""
    import grpc

    payload = os.urandom(TRANSACTION_BYTES - 8)

    def varint(number):
        out = bytearray()
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        return bytes([*out, number])

    def request(first):
        made = (b"".join((number.to_bytes(8, "little"), payload)) for number in range(first, first + TOGETHER))
        sent = b"".join(b"\x12" + varint(TRANSACTION_BYTES) + it for it in made)
        return b"\x08" + varint(first) + sent

    def settled(events):
        """How many tickets of SubmitEvents are final or refused: fields 2 and 3, packed."""
        count, at = 0, 0
        while at < len(events):
            field, at, size, shift = events[at] >> 3, at + 1, 0, 0
            while True:
                byte, at, size, shift = events[at], at + 1, size | (events[at] & 127) << shift, shift + 7
                if byte < 128:
                    break
            count += sum(it < 128 for it in events[at : at + size]) if field in (2, 3) else 0
            at += size
        return count

    state = {"made": 1, "settled": 0}

    def requests():
        while True:
            if state["made"] - state["settled"] > WINDOW:
                time.sleep(0.002)
                continue
            first, state["made"] = state["made"], state["made"] + TOGETHER
            yield request(first)

    channel = grpc.insecure_channel(address)
    grpc.channel_ready_future(channel).result(timeout=60)
    stream = channel.stream_stream("/clockless.node.v1.Node/SubmitStream")
    for events in stream(requests()):
        state["settled"] += settled(events)


def ordered(host, address):
    page = subprocess.run(on(host, "curl", "-s", f"http://{address}/metrics"), capture_output=True, text=True)
    found = re.search(r"^clockless_node_transactions_total (\d+)", page.stdout, re.M)
    return int(found.group(1)) if found else 0


def place(text, hosts):
    """Moves every address of a configuration to the host that its port belongs to."""
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda it: f"{hosts[int(it.group(1))][1]}:{it.group(1)}", text)


def measure(clockless, workers, arguments):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="workers-lab-"))
    hosts, running = Hosts(), []
    genesis = ["--validators", str(VALIDATORS), "--workers", str(workers), "--base-port", str(BASE_PORT)]
    sh(clockless, "genesis", "--dealt", *genesis, "--out", str(folder / "net"))
    try:
        by_port, clients = {}, []
        first_of_workers, each = BASE_PORT + 3 * VALIDATORS, 1 + 2 * workers
        for validator in range(VALIDATORS):
            primary = hosts.add(None)
            by_port.update({BASE_PORT + 3 * validator + port: primary for port in range(3)})
            meeting = first_of_workers + each * validator
            by_port[meeting] = primary
            for worker in range(workers):
                host = hosts.add(arguments.rate)
                by_port.update({meeting + 1 + 2 * worker + port: host for port in range(2)})
                clients.append((host[0], f"{host[1]}:{meeting + 2 + 2 * worker}"))
        for validator in range(VALIDATORS):
            home = folder / "net" / f"validator-{validator}"
            for config in home.glob("*.toml"):
                text = place(config.read_text(), by_port).replace('execution = "exchange"', 'execution = "none"')
                config.write_text(text)
            primary = by_port[BASE_PORT + 3 * validator][0]
            running.append(on(primary, clockless, "node", "--config", str(home / "config.toml")))
            for worker in range(workers):
                host = by_port[first_of_workers + each * validator + 1 + 2 * worker][0]
                running.append(on(host, clockless, "worker", "--config", str(home / f"worker-{worker}.toml")))
        running += [on(host, sys.executable, __file__, "--drive", address) for host, address in clients]
        log = open(folder / "log", "w", encoding="utf-8")
        quiet = {**os.environ, "CLOCKLESS_LOG": "error"}
        running = [subprocess.Popen(it, stdout=log, stderr=log, env=quiet) for it in running]
        primary, address = by_port[BASE_PORT][0], f"{by_port[BASE_PORT + 2][1]}:{BASE_PORT + 2}"
        give_up = time.time() + 60
        while ordered(primary, address) < 10 * WINDOW:
            assert time.time() < give_up, f"nothing is ordered: {folder}/log"
            time.sleep(0.5)
        time.sleep(arguments.seconds / 3)
        before, began = ordered(primary, address), time.time()
        time.sleep(arguments.seconds)
        return (ordered(primary, address) - before) / (time.time() - began)
    finally:
        for process in running:
            if isinstance(process, subprocess.Popen):
                process.send_signal(signal.SIGKILL)
                process.wait()
        hosts.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clockless", nargs="?", help="the binary")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rate", default="16mbit", help="of each worker's host, in either direction, as tc has it")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        return drive(arguments.drive)
    if not arguments.clockless or os.geteuid() != 0:
        parser.error("the path of the binary is expected, and root")
    for workers in arguments.workers:
        carried = measure(os.path.abspath(arguments.clockless), workers, arguments)
        told = {"workers": workers, "rate": arguments.rate, "ordered_tps": round(carried)}
        print(json.dumps({**told, "transaction_bytes": TRANSACTION_BYTES}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
