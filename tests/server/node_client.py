"""Clients in Node against the server as its users start it, behind a proxy that cuts connections when asked to."""

import shutil
import subprocess
from pathlib import Path

from server.cutting import CuttingProxy
from server.world import Process

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def run_client(script: str, functions: Path, database: Path) -> int:
    """Runs a script of this folder to its end, which it says by "all is well"; asking.mjs has what it may ask for.

    Returns how many connections were cut.
    """
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    server = Process(functions, database)
    proxy = CuttingProxy(server.port)
    command = [node, str(HERE / script), f"http://127.0.0.1:{proxy.port}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stderr is not None
        try:
            said = ""
            for line in client.stdout:
                said = line.strip()
                if said == "restart":
                    server.kill()
                    server = Process(functions, database)
                    proxy.target = server.port
                elif said == "hold":
                    proxy.hold()
                elif said == "release":
                    proxy.release()
                elif said.startswith("cut "):
                    proxy.cut_at(said.removeprefix("cut ").encode())
                else:
                    break
                client.stdin.write("done\n")
                client.stdin.flush()
            assert said == "all is well", said + client.stderr.read()
        finally:
            client.kill()
            proxy.close()
            server.stop()
    return proxy.cuts
