"""Another host than Box's, and a user's own proxy with a password: upstream.py CERTIFICATE KEY FOLDER

Writes the ports to FOLDER/ports, and a line for each request to FOLDER/hits: `host NAME PATH` where the
host is reached, `proxy TARGET` where the proxy is asked for it with the right password.
"""

import base64
import http.server
import os
import socket
import ssl
import sys
import threading

CERTIFICATE, KEY, FOLDER = sys.argv[1:]
AUTHORIZATION = "Basic " + base64.b64encode(b"me:pa ss@word").decode()
LOCK = threading.Lock()


def hit(*words):
    with LOCK, open(os.path.join(FOLDER, "hits"), "a") as file:
        print(*words, file=file)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


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
        upstream = socket.create_connection((host, int(port)))
        self.send_response(200)
        self.end_headers()
        back = threading.Thread(target=self.copy, args=(upstream, self.connection), daemon=True)
        back.start()
        self.copy(self.connection, upstream)
        back.join()
        self.close_connection = True

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    return server


host, proxy = serve(Host), serve(Proxy)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
host.socket = context.wrap_socket(host.socket, server_side=True, do_handshake_on_connect=False)
with open(os.path.join(FOLDER, "ports.new"), "w") as file:
    file.write(f"{host.server_port} {proxy.server_port}\n")
os.rename(os.path.join(FOLDER, "ports.new"), os.path.join(FOLDER, "ports"))
threading.Thread(target=host.serve_forever, daemon=True).start()
proxy.serve_forever()
