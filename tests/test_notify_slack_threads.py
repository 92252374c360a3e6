"""Two channels of Slack's that are told at once, by a process in which nobody has been told yet."""

import subprocess
import sys

PROGRAM = """
import sys, threading
from mcmirror.model.delivery import Delivery
from mcmirror.notify.message import Message, NotTold, Occasion, message_document
from mcmirror.notify.slack import Slack, SlackWebhook

sys.setswitchinterval(1e-6)
message = Message("photos", Occasion.CHANGE, "photos verified")
delivery = Delivery("1", "ops", "photos", "run", "change", message_document(message))
start, wrong = threading.Barrier(2), []

def tell(channel):
    start.wait()
    try:
        channel.deliver(delivery)
    except NotTold:
        pass  # nobody is there
    except BaseException as error:
        wrong.append(repr(error))

channels = (Slack("xoxb-token", "C0", "http://127.0.0.1:9/api/"), SlackWebhook("http://127.0.0.1:9/services"))
threads = [threading.Thread(target=tell, args=(channel,)) for channel in channels]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*wrong, sep="\\n", end="")
"""
TIMES = 8
"""Of two such processes one failed."""


def test_the_library_is_loaded_whole_for_everybody() -> None:
    for _ in range(TIMES):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=300)
        assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)
