"""A Box Custom Skill as an HTTP server. Box expects the reply within 10 seconds, so the skill
replies first and works afterwards."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from skill import is_from_box, run


class Skill(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_from_box(headers, body):
            return self.reply(403)
        try:
            event = json.loads(body)
        except ValueError:
            return self.reply(400)
        self.reply(200)
        threading.Thread(target=run, args=(event,)).start()

    def reply(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8080"))
    ThreadingHTTPServer(("", port), Skill).serve_forever()
