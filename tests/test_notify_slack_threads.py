"""Two channels of Slack's that are told at once, by a process in which nobody has been told yet."""

import subprocess
import sys

PROGRAM = """
import sys, threading
sys.setswitchinterval(1e-6)
from mcmirror.notify.message import Message, NotTold, Occasion
from mcmirror.notify.slack import Slack, SlackWebhook

start, wrong, message = threading.Barrier(4), [], Message("photos", Occasion.CHANGE, "photos: verified")

def tell(post):
    start.wait()
    try:
        post()
    except (NotTold, OSError):
        pass  # nobody is there
    except BaseException as error:
        wrong.append(repr(error))

def bot():
    Slack("xoxb-token", "C0", "http://127.0.0.1:9/api/")._post(message, "1")

def hook():
    SlackWebhook("http://127.0.0.1:9/services")._post(text="photos")

threads = [threading.Thread(target=tell, args=(one,)) for one in (bot, hook, bot, hook)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*wrong, sep="\\n", end="")
"""
TIMES = 8
"""Of ten such processes four failed."""


def test_the_library_is_loaded_whole_for_everybody() -> None:
    for _ in range(TIMES):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=300)
        assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)
