"""Python's own urllib."""

import urllib.request

from rest import Rest
from scenario import roots, run


def send(method, url, headers, body):
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


run("urllib", Rest(send, *roots("hard-coded")))
