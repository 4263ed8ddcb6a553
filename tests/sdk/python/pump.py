"""Uploads a file with boxsdk 3 to Box's own hosts, and reads the cards that a skill wrote for it.
The mock at the other end sends the event."""

import io
import os
import time

from boxsdk import Client, OAuth2
from boxsdk.exception import BoxAPIException

client = Client(OAuth2(client_id="", client_secret="", access_token=os.environ["USER_TOKEN"]))
uploaded = client.folder("0").upload_stream(
    io.BytesIO(b"Lighthouse keepers count the waves.\n"), "from-python.txt"
)
patience = time.monotonic() + 20
while True:
    try:
        found = uploaded.metadata("global", "boxSkillsCards").get()["cards"]
        if any(card["skill_card_type"] == "transcript" for card in found):
            break
    except BoxAPIException as error:
        if error.status != 404:
            raise
    if time.monotonic() > patience:
        raise SystemExit("no cards within 20 s")
    time.sleep(0.05)
print(f"pump: boxsdk 3 uploads, and reads {len(found)} cards back")
