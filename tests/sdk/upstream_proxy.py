"""The parts of an upstream proxy and of the TLS server behind it, which the tests of proxies share."""

import http.server
import socket
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Speaks HTTP/1.1, and prints nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def tunnel(self, address):
        """Answers a CONNECT, and copies bytes both ways between the client and an address."""
        upstream = socket.create_connection(address)
        self.send_response(200)
        self.end_headers()
        back = threading.Thread(target=copy, args=(upstream, self.connection), daemon=True)
        back.start()
        copy(self.connection, upstream)
        back.join()
        self.close_connection = True


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(handler):
    """A server on a free port, which does not serve yet."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    return server


def speak_tls(server, certificate, key):
    """From now on a server speaks TLS, with the certificate and the key of these files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
