"""The services that the skills of these tests call, behind an upstream proxy: services.py FOLDER

Nothing resolves the names of the services: the proxy connects each to the server below, whose certificate
FOLDER/certificate.pem and FOLDER/key.pem hold. Writes the port of the proxy to FOLDER/port, and a line for
each call to FOLDER/calls.
"""

import json
import os
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from upstream_proxy import Handler, serve, speak_tls

FOLDER = sys.argv[1]
LOCK = threading.Lock()
POLLED = {}


def note(*words):
    with LOCK, open(os.path.join(FOLDER, "calls"), "a") as file:
        print(*words, file=file)


class Services(Handler):
    def body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, value, status=200, **headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def handle_call(self):
        host, url = self.headers["host"], urllib.parse.urlsplit(self.path)
        body = self.body()
        note(self.command, host, url.path)
        key = host.split(".")[0], self.command
        answer = {
            ("labels", "POST"): self.labels,
            ("ocr", "POST"): self.ocr,
            ("speech", "POST"): self.speech,
            ("speech", "GET"): self.poll,
            ("rekognition", "POST"): self.rekognition,
            ("oauth", "POST"): self.token,
            ("vision", "POST"): self.vision,
        }.get(key)
        if answer is None:
            self.answer({"error": f"no {key}"}, 404)
        else:
            answer(url, body)

    do_GET = do_POST = handle_call

    def labels(self, _, body):
        # The answer names the file, as services do that give back the reference of the caller.
        reference = json.loads(body)["reference"]
        self.answer({"reference": reference, "labels": ["harbour", "crane"]}, set_cookie="session=planted-cookie")

    def ocr(self, _, body):
        assert b"multipart" in self.headers["content-type"].encode() and body
        self.answer({"lines": ["NO ENTRY"]})

    def speech(self, _, body):
        assert json.loads(body)["language"] == "en"
        self.answer({"id": "job-1"}, 202)

    def poll(self, url, _):
        with LOCK:
            POLLED[url.path] = count = POLLED.get(url.path, 0) + 1
        done = count % 3 == 0
        self.answer({"state": "done", "text": "Good morning."} if done else {"state": "running"})

    def rekognition(self, _, body):
        assert self.headers["authorization"].startswith("AWS4-HMAC-SHA256")
        assert json.loads(body)["Image"]["Bytes"]
        self.answer({"Labels": [{"Name": "Boat", "Confidence": 97.5}]})

    def token(self, _, body):
        assert b"planted-refresh-token" in body
        self.answer({"access_token": "planted-access-token-of-google", "expires_in": 3600, "token_type": "Bearer"})

    def vision(self, _, body):
        assert self.headers["authorization"] == "Bearer planted-access-token-of-google"
        assert json.loads(body)["requests"]
        self.answer({"responses": [{"labelAnnotations": [{"description": "quay", "score": 0.9}]}]})


class Proxy(Handler):
    def do_CONNECT(self):
        note("proxy", self.path)
        self.tunnel(("127.0.0.1", services.server_port))


services, proxy = serve(Services), serve(Proxy)
speak_tls(services, os.path.join(FOLDER, "certificate.pem"), os.path.join(FOLDER, "key.pem"))
threading.Thread(target=services.serve_forever, daemon=True).start()
with open(os.path.join(FOLDER, "port.new"), "w") as file:
    print(proxy.server_port, file=file)
os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
proxy.serve_forever()
