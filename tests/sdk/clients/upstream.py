"""Another host than Box's, and a user's own proxy with a password: upstream.py CERTIFICATE KEY FOLDER

Writes the ports to FOLDER/ports, and a line for each request to FOLDER/hits: `host NAME PATH` where the
host is reached, `proxy TARGET` where the proxy is asked for it with the right password.
"""

import base64
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from upstream_proxy import Handler, serve, speak_tls

CERTIFICATE, KEY, FOLDER = sys.argv[1:]
AUTHORIZATION = "Basic " + base64.b64encode(b"me:pa ss@word").decode()
LOCK = threading.Lock()


def hit(*words):
    with LOCK, open(os.path.join(FOLDER, "hits"), "a") as file:
        print(*words, file=file)


class Host(Handler):
    def do_GET(self):
        hit("host", self.headers["host"].split(":")[0], self.path)
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()


class Proxy(Handler):
    def do_CONNECT(self):
        if self.headers["proxy-authorization"] != AUTHORIZATION:
            self.send_error(407)
            return
        hit("proxy", self.path)
        host, port = self.path.rsplit(":", 1)
        self.tunnel((host, int(port)))


host, proxy = serve(Host), serve(Proxy)
speak_tls(host, CERTIFICATE, KEY)
with open(os.path.join(FOLDER, "ports.new"), "w") as file:
    file.write(f"{host.server_port} {proxy.server_port}\n")
os.rename(os.path.join(FOLDER, "ports.new"), os.path.join(FOLDER, "ports"))
threading.Thread(target=host.serve_forever, daemon=True).start()
proxy.serve_forever()
