"""Takes a minute to load.

Covers: startup-timeout, and interrupting the loading of a script.
"""

import time

for _ in range(6000):
    time.sleep(0.01)


def application(environ, start_response):
    start_response("204 No Content", [])
    return []
