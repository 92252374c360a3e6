"""Two agents in two network namespaces, each reaching its own MinIO and the broker alone; the master reaches no MinIO.

``python -m tests.namespaces`` as root, by hand: it makes the namespaces, shows what it finds, and removes them.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from mcmirror.agents.seal import new_key
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment
from tests.waiting import until

SITES = ("seoul", "tokyo")
PORT = 6379
SERVER = "10.99.0.1"
"""Of the MinIO of each site; the same in both, and nowhere else."""


def run(*words: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run([str(word) for word in words], text=True, capture_output=True, check=True, **how)


@contextmanager
def namespace(number: int, name: str) -> Iterator[str]:
    """A namespace with a wire to ours, and an address for its MinIO that no wire leads to."""
    inner, ours, theirs = f"mcm-{name}", f"10.98.{number}.1", f"10.98.{number}.2"
    run("ip", "netns", "add", inner)
    try:
        run("ip", "link", "add", f"mcm{number}a", "type", "veth", "peer", "name", f"mcm{number}b")
        run("ip", "link", "set", f"mcm{number}b", "netns", inner)
        run("ip", "addr", "add", f"{ours}/30", "dev", f"mcm{number}a")
        run("ip", "link", "set", f"mcm{number}a", "up")
        for words in (
            ("ip", "addr", "add", f"{theirs}/30", "dev", f"mcm{number}b"),
            ("ip", "link", "set", f"mcm{number}b", "up"),
            ("ip", "link", "set", "lo", "up"),
            ("ip", "addr", "add", f"{SERVER}/32", "dev", "lo"),
        ):
            run("ip", "netns", "exec", inner, *words)
        yield inner
    finally:
        run("ip", "netns", "del", inner)


@contextmanager
def started(folder: Path, log: str, *words: str | Path, environment: dict[str, str]) -> Iterator[None]:
    """A program that is ended afterwards; its lines go to a file."""
    with (folder / log).open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in words],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def settings(folder: Path, site: int) -> str:
    """What master and agents share."""
    return (
        f'[settings]\nexecutor = "celery"\nbroker = "redis://:{{env:REDIS}}@10.98.{site}.1:{PORT}/0"\nlisten = "off"\n'
        f'state = "sqlite:///{folder}/state.db"\nmc = "{binaries.mc()}"\n'
    )


def main() -> None:
    """Play it."""
    folder = Path(tempfile.mkdtemp(prefix="mcmirror-namespaces-"))
    password, secret = token_hex(16), token_hex(16)
    keys = {site: new_key() for site in SITES}
    variables = {"REDIS": password, "SERVER_KEY": "root", "SERVER_SECRET": secret}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        spaces = [stack.enter_context(namespace(number, site)) for number, site in enumerate(SITES, 1)]
        # Where a machine has a gateway that answers for any address, this one is shut.
        run("ip", "route", "add", "unreachable", f"{SERVER}/32")
        stack.callback(run, "ip", "route", "del", "unreachable", f"{SERVER}/32")
        environment = clean_environment(folder / "home", variables)
        redis = ["redis-server", "--port", str(PORT), "--bind", "10.98.1.1", "10.98.2.1", "--requirepass", password]
        redis += ["--dir", str(folder), "--appendonly", "yes", "--save", ""]
        stack.enter_context(started(folder, "redis.log", *redis, environment=environment))
        tables = ""
        for number, (site, space) in enumerate(zip(SITES, spaces, strict=True), 1):
            home = folder / site
            home.mkdir()
            inside = ("ip", "netns", "exec", space)
            minio = clean_environment(home / "home", {"MINIO_ROOT_USER": "root", "MINIO_ROOT_PASSWORD": secret})
            words = (*inside, binaries.minio(), "server", "--quiet", "--address", f"{SERVER}:9000", home / "data")
            stack.enter_context(started(home, "minio.log", *words, environment=minio))
            mc = {**minio, "MC_HOST_it": f"http://root:{secret}@{SERVER}:9000"}
            until(lambda inside=inside, mc=mc: subprocess.run(  # type: ignore[misc]
                [*inside, str(binaries.mc()), "mb", "--ignore-existing", "it/source", "it/target"],
                env=mc, capture_output=True, check=False).returncode == 0)  # fmt: skip
            for name in ("one", "two", "three"):
                (home / name).write_text(f"{name} of {site}")
                run(*inside, binaries.mc(), "cp", home / name, f"it/source/{name}", env=mc)
            agent = f'[agent.{site}]\nkey = "{keys[site]}"\nmax_age = "30s"\n'
            (home / "mcmirror.toml").write_text(settings(home, number) + agent)
            serve = (*inside, COMMAND, "agent", site, "--config", home / "mcmirror.toml")
            stack.enter_context(
                started(home, "agent.log", *serve, environment=clean_environment(home / "home", {"REDIS": password}))
            )
            tables += agent + f'[job.{site}]\nsource = "server/source"\ntarget = "server/target"\nagent = "{site}"\n'
        alias = f'[alias.server]\nurl = "http://{SERVER}:9000"\naccess_key = "{{env:SERVER_KEY}}"\n'
        alias += 'secret_key = "{env:SERVER_SECRET}"\n'
        file = folder / "mcmirror.toml"
        file.write_text(settings(folder, 1) + alias + tables)

        reach = [sys.executable, "-c", f"import socket; socket.create_connection(('{SERVER}', 9000), 3)"]
        reached = subprocess.run(reach, capture_output=True, check=False).returncode == 0
        print("the master reaches the servers:", reached)
        command = [str(COMMAND), "run", "--config", str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        print(done.stderr)
        print("exit code:", done.returncode)
        for site, space in zip(SITES, spaces, strict=True):
            mc = clean_environment(folder / site / "home", {"MC_HOST_it": f"http://root:{secret}@{SERVER}:9000"})
            found = run("ip", "netns", "exec", space, binaries.mc(), "cat", "it/target/one", env=mc).stdout
            print(f"{site}: target/one is {found!r}, as it should be: {found == f'one of {site}'}")
        print(run(COMMAND, "agent", "list", "--config", file, env=environment).stdout)
        time.sleep(1)
        dumped = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix == ".aof"}
        dumped |= {path: path.read_bytes() for path in folder.glob("state.db*") if path.is_file()}
        for what, value in (("the servers' secret", secret), *((f"the key of {site}", keys[site]) for site in SITES)):
            clear = [path.name for path, content in dumped.items() if value.encode() in content]
            print(f"{what} in clear in broker or store ({sum(map(len, dumped.values())):,} bytes):", clear or "nowhere")


if __name__ == "__main__":
    main()
