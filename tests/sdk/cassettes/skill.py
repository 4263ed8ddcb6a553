"""A skill that has its file transcribed by a service which is polled, with requests."""

import http.server
import json
import os
import sys
import threading
import traceback

import requests

SERVICE = "https://speech.widget.test/v1/jobs"
KEY = {"key": "planted-api-key"}


def handle(event):
    file_id = event["source"]["id"]
    box = "https://api.box.com/2.0"
    read = {"authorization": "Bearer " + event["token"]["read"]["access_token"]}
    content = requests.get(f"{box}/files/{file_id}/content", headers=read)
    content.raise_for_status()
    job = requests.post(SERVICE, params=KEY, json={"language": "en", "reference": file_id}).json()
    while True:
        state = requests.get(f"{SERVICE}/{job['id']}", params=KEY).json()
        if state["state"] == "done":
            break
    card = {
        "type": "skill_card",
        "skill_card_type": "transcript",
        "skill": {"type": "service", "id": "widget"},
        "invocation": {"type": "skill_invocation", "id": event["id"]},
        "skill_card_title": {"code": "skills_transcript", "message": "Transcript"},
        "duration": 2,
        "entries": [{"text": state["text"], "appears": [{"start": 0, "end": 2}]}],
    }
    answer = requests.put(
        f"{box}/skill_invocations/{event['skill']['id']}",
        headers={"authorization": "Bearer " + event["token"]["write"]["access_token"]},
        json={
            "status": "success",
            "file": {"type": "file", "id": file_id},
            "metadata": {"cards": [card]},
        },
    )
    answer.raise_for_status()


class Skill(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
        threading.Thread(target=self.work, args=(event,)).start()

    @staticmethod
    def work(event):
        try:
            handle(event)
        except Exception:
            traceback.print_exc(file=sys.stderr)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Skill).serve_forever()
