"""A skill that replies 200 to an event whose signature the SDK accepts, and 401 to any other:
python signed.py 3|10"""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

GENERATION = sys.argv[1]
PRIMARY = "the-primary-key"
SECONDARY = "the-secondary-key"


def accepts(body, headers):
    if GENERATION == "10":
        from box_sdk_gen.managers.webhooks import WebhooksManager

        return WebhooksManager.validate_message(
            body.decode("utf-8"), headers, PRIMARY, secondary_key=SECONDARY
        )
    from boxsdk.object.webhook import Webhook

    return Webhook.validate_message(body, headers, PRIMARY, SECONDARY)


class Skill(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200 if accepts(body, dict(self.headers)) else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Skill).serve_forever()
