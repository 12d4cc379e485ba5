"""Kills leaders of three nodes, then restarts all of them in turn, and tells what clients saw.

Clients speak etcd's JSON gateway over connections that they keep; when a node fails them they try the next one.
Arguments: the launcher, a scratch directory, how many kills, how many writers during the rolling restart.
"""
import base64
import http.client
import json
import os
import random
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time

LAUNCHER, SCRATCH, KILLS, WRITERS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
NAMES = ["a", "b", "c"]
PATIENCE_SECONDS = 20


def say(*what):
    print(*what, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def text(value):
    return base64.b64encode(value.encode()).decode()


class Node:
    def __init__(self, name, options):
        self.name, self.options = name, options
        self.etcd_port = free_port()
        self.process = None

    def start(self):
        command = [LAUNCHER, "up", "--json", "--data", f"{SCRATCH}/{self.name}", "--name", self.name, "--api-port", "0",
                   "--public-port", "0", "--etcd-port", str(self.etcd_port), *self.options]
        log = open(f"{SCRATCH}/{self.name}.log", "a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def await_ready(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "ready":
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
            if event["event"] == "failed":
                break
        sys.exit(f"node {self.name} did not start; see {SCRATCH}/{self.name}.log")


class Client:
    """Keeps a connection; not for several threads."""

    def __init__(self, nodes):
        self.nodes, self.at, self.connection = nodes, random.randrange(len(nodes)), None
        pki = f"{SCRATCH}/a/pki"
        self.tls = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        self.tls.load_cert_chain(f"{pki}/admin.crt", f"{pki}/admin.key")

    def once(self, path, body, timeout):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                "127.0.0.1", self.nodes[self.at].etcd_port, timeout=timeout, context=self.tls)
        self.connection.timeout = timeout
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise OSError(content.decode()[:200])
        return json.loads(content)

    def move(self):
        if self.connection is not None:
            self.connection.close()
        self.connection, self.at = None, (self.at + 1) % len(self.nodes)

    def call(self, path, body):
        """Tries again, on one node after the other, for a while."""
        end = time.monotonic() + PATIENCE_SECONDS
        tries = 0
        while True:
            try:
                return self.once(path, body, 8), tries
            except (OSError, http.client.HTTPException) as e:
                self.move()
                tries += 1
                if time.monotonic() > end:
                    raise OSError(f"no node did it for {PATIENCE_SECONDS} s: {e}") from e
                time.sleep(0.01)


def leader(nodes):
    """The node that leads, as a majority sees it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        votes, ids = {}, {}
        for node in nodes:
            client = Client([node])
            try:
                status = client.once("/v3/maintenance/status", {}, 2)
                ids[status["header"]["member_id"]] = node
                votes[status.get("leader", "0")] = votes.get(status.get("leader", "0"), 0) + 1
            except (OSError, http.client.HTTPException):
                pass
            finally:
                client.move()
        for found, count in votes.items():
            if count >= 2 and found in ids:
                return ids[found]
        time.sleep(0.05)
    sys.exit("nobody leads")


def failover(nodes):
    """Seconds from the kill to the end of the first write that began after it, on the nodes that are left."""
    victim = leader(nodes)
    left = [node for node in nodes if node is not victim]
    clients = [Client([node]) for node in left]
    for client in clients:
        client.call("/v3/kv/put", {"key": text("warm"), "value": text("up")})
    first, done = [], threading.Event()

    def write(client):
        number = 0
        while not done.is_set():
            try:
                number += 1
                client.once("/v3/kv/put", {"key": text("failover"), "value": text(str(number))}, 8)
                first.append(time.monotonic())
                done.set()
            except (OSError, http.client.HTTPException):
                client.move()
                time.sleep(0.005)

    began = time.monotonic()
    victim.process.kill()
    threads = [threading.Thread(target=write, args=(client,)) for client in clients]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    victim.process.wait()
    seconds = min(first) - began
    victim.start()
    victim.await_ready()
    return seconds


def rolling(nodes):
    """Restarts one node after the other under load; what a retrying client saw."""
    over, slowest, failed, written, retried = threading.Event(), [0.0], [], {}, [0]

    def work(number):
        client, count = Client(nodes), 0
        while not over.is_set():
            key = f"rolling/{number}/{count % 100}"
            began = time.monotonic()
            try:
                _, tries = client.call("/v3/kv/put", {"key": text(key), "value": text(str(count))})
                written[key] = count
                answer, more = client.call("/v3/kv/range", {"key": text(key)})
                retried[0] += tries + more
                value = int(base64.b64decode(answer["kvs"][0]["value"]))
                if value != count:
                    failed.append(f"{key}: wrote {count}, read {value}")
            except OSError as e:
                failed.append(str(e))
            slowest[0] = max(slowest[0], time.monotonic() - began)
            count += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    [thread.start() for thread in threads]
    for node in nodes:
        time.sleep(2)
        node.process.terminate()
        node.process.wait()
        node.start()
        node.await_ready()
    time.sleep(2)
    over.set()
    [thread.join() for thread in threads]
    client = Client(nodes)
    for key, count in written.items():
        answer, _ = client.call("/v3/kv/range", {"key": text(key)})
        if int(base64.b64decode(answer["kvs"][0]["value"])) < count:
            failed.append(f"{key}: {count} was acknowledged and is lost")
    return slowest[0], failed, retried[0]


def result(name, unit, value, goal, runs):
    print(json.dumps({"name": name, "unit": unit, "coppice": value, "peer": None, "peerName": None, "ratio": None,
                      "goal": goal, "runs": runs}), flush=True)


def main():
    keys = f"{SCRATCH}/keys.json"
    subprocess.run([LAUNCHER, "cluster", "keys", keys], check=True, stderr=subprocess.DEVNULL)
    peers = {name: free_port() for name in NAMES}
    cluster = ",".join(f"{name}=127.0.0.1:{port}" for name, port in peers.items())
    nodes = [Node(name, ["--peer-port", str(peers[name]), "--cluster", cluster, "--cluster-keys", keys])
             for name in NAMES]
    try:
        [node.start() for node in nodes]
        [node.await_ready() for node in nodes]
        seconds = []
        for kill in range(KILLS):
            time.sleep(1)
            seconds.append(failover(nodes))
            say(f"kill {kill + 1}: {seconds[-1] * 1000:.0f} ms")
        if seconds:
            result("failover", "ms from the leader's SIGKILL to the next write, median",
                   round(statistics.median(seconds) * 1000), 1000, KILLS)
            result("failover-max", "ms, the longest of them", round(max(seconds) * 1000), None, KILLS)
        slowest, failed, retried = rolling(nodes)
        for each in failed[:10]:
            say(each)
        result("rolling-failed", "operations that failed in a rolling restart, with retries", len(failed), 0, 1)
        result("rolling-retries", "attempts that a client had to repeat", retried, None, 1)
        result("rolling-slowest", "ms, the slowest write and read together", round(slowest * 1000), None, 1)
    finally:
        for node in nodes:
            if node.process is not None:
                node.process.kill()
                node.process.wait()


main()
