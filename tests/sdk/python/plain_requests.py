"""requests."""

import requests

from rest import Rest
from scenario import roots, run


def send(method, url, headers, body):
    answer = requests.request(method, url, headers=headers, data=body, timeout=20)
    answer.raise_for_status()
    return answer.content


run("requests", Rest(send, *roots("hard-coded")))
