"""A master that serves: an agent that is gone turns its jobs red, and they run when it is back."""

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.conftest import Pair
from tests.executors.conftest import Made
from tests.executors.world import World
from tests.servers.command import COMMAND
from tests.servers.server import free_port
from tests.serving import Serving
from tests.waiting import until

GONE = "agent seoul is gone"


def listed(file: Path, world: World) -> tuple[int, bool, str]:
    """What `mcmirror agent list` comes to: its exit code, whether the agent is gone, its word for it."""
    command = [str(COMMAND), "agent", "list", "--config", str(file)]
    environment = world.environment("master", servers=False)
    documents = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    (agent,) = json.loads(documents.stdout)
    (row,) = done.stdout.splitlines()[1:]
    assert ["seoul", "photos"] == [row.split()[0], row.split()[-1]]
    assert documents.returncode == done.returncode
    return done.returncode, agent["gone"], "gone" if " gone " in row else "takes work"


def test_an_agent_that_is_gone_turns_health_red_and_its_job_runs_when_it_is_back(made: Made, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"a"})
    world, port = made("store"), free_port()
    file = world.configuration("master", world.table(bucket_pair, 'every = "2s"\n'))
    file.write_text(file.read_text().replace("listen = 'off'", f"listen = '127.0.0.1:{port}'").replace('"24s"', '"6s"'))
    command = [str(COMMAND), "serve", "--config", str(file), "--log", "text"]
    with Serving(command, world.environment("master", servers=False), world.folder, port) as serving:
        serving.until(lambda: serving.status("/readyz") == 503)
        ailments = serving.answer("/readyz")[1].decode()
        assert GONE in ailments
        assert "its jobs wait: photos" in ailments
        first = world.agent("first")
        serving.until(lambda: serving.status("/readyz") == 200)
        serving.until(lambda: bucket_pair.equal)
        assert 'mcmirror_agent_up{agent="seoul"} 1' in serving.answer("/metrics")[1].decode()
        assert (0, False, "takes work") == listed(file, world)
        os.killpg(first.pid, signal.SIGKILL)
        serving.says(GONE, 2)
        serving.until(lambda: serving.status("/readyz") == 503)
        assert 'mcmirror_agent_up{agent="seoul"} 0' in serving.answer("/metrics")[1].decode()
        assert (1, True, "gone") == listed(file, world)
        bucket_pair.source.put({"b": b"b"})
        world.agent("second")
        serving.says("Agent seoul takes work again", 2)
        until(lambda: bucket_pair.equal)
        assert 2 == serving.log.count(GONE)
        assert 143 == serving.stop()
