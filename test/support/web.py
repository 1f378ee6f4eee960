# SPDX-License-Identifier: MIT
"""A web server and a proxy for tests of fetch, in threads of the test.

    with web.Server() as server: ... f"{server.url}/echo"
    with web.Server(tls=folder) as server: ... server.ca
    with web.Proxy() as proxy: ... proxy.url, proxy.asked

server.seen lists the requests: (method, path, headers, body).

    /echo                the request, as JSON
    /status/404          that status
    /bytes/SIZE          SIZE bytes, with a length
    /chunked/COUNT       COUNT chunks "chunk N\\n", one after the other
    /coded/gzip          the text "coded" with that content-encoding
    /redirect?URL        302 (or /redirect/303?URL) to URL
    /hops/N              N redirects, then "there"
    /slow/SECONDS        its head comes after so long
    /drip/SECONDS        a byte at once, another one after so long
    /reset/SIZE          says twice as many bytes, sends SIZE and is gone
    /none                closes the connection without an answer
    /cookie              sets one
    /connection          the number of the connection that the request came by
    /head/SIZE           a head of so many bytes
    /early               413 at once, and nothing is read
    /events              two events, then waits until the client is gone
    /bomb/SIZE           SIZE zero bytes, packed
"""

import gzip
import http.server
import json
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time
import zlib
from urllib.parse import unquote, urlsplit

# "coded", made with brotli.
BROTLI = bytes.fromhex("0b0280636f64656403")


class Quiet(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass  # clients that go away are a part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        home = self.server.home
        with home.lock:
            home.connections += 1
            home.open += 1
            self.connection_number = home.connections

    def finish(self):
        with self.server.home.lock:
            self.server.home.open -= 1
        super().finish()

    def log_message(self, *words):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, body=b"", status=200, headers=(), size=None):
        if isinstance(body, str):
            body = body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304) and status >= 200:
            self.send_header("Content-Length",
                             str(len(body) if size is None else size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def begin_chunks(self, kind="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def handle_any(self):
        address = urlsplit(self.path)
        parts = address.path.split("/")[1:]
        if parts[0] == "early":
            self.close_connection = True
            return self.answer("too much", 413)
        body = self.read_body()
        with self.server.home.lock:
            self.server.home.seen.append(
                (self.command, self.path, dict(self.headers.items()), body))
        name = "do_" + parts[0]
        method = getattr(self, name, None)
        if method is None:
            return self.answer("nothing here", 404)
        return method(parts[1] if len(parts) > 1 else "",
                      unquote(address.query), body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any
    do_OPTIONS = do_QUERY = handle_any

    def do_echo(self, argument, query, body):
        self.answer(json.dumps({
            "method": self.command, "path": self.path,
            "headers": [[n.lower(), v] for n, v in self.headers.items()],
            "body": body.decode("latin1")}),
            headers=[("Content-Type", "application/json"),
                     ("X-Latin", "gr\xfc\xdfe")])

    def do_status(self, argument, query, body):
        self.answer("" if argument in ("204", "304") else "status",
                    int(argument))

    def do_bytes(self, argument, query, body):
        left = int(argument)
        self.answer(size=left,
                    headers=[("Content-Type", "application/octet-stream")])
        block = bytes(range(256)) * 256
        while left > 0 and self.command != "HEAD":
            self.wfile.write(block[:left])
            with self.server.home.lock:
                self.server.home.sent += min(left, len(block))
            left -= len(block)

    def do_chunked(self, argument, query, body):
        self.begin_chunks()
        for i in range(int(argument)):
            self.chunk(f"chunk {i}\n".encode())
        self.wfile.write(b"0\r\nX-Trailer: late\r\n\r\n")

    def do_coded(self, argument, query, body):
        coded = {"gzip": gzip.compress(b"coded"),
                 "deflate": zlib.compress(b"coded"),
                 "br": BROTLI,
                 "bad": b"no gzip at all"}[argument]
        self.answer(coded, headers=[
            ("Content-Encoding", "gzip" if argument == "bad" else argument)])

    def do_redirect(self, argument, query, body):
        self.answer("elsewhere", int(argument or 302),
                    headers=[("Location", query)])

    def do_hops(self, argument, query, body):
        left = int(argument)
        if left == 0:
            return self.answer("there")
        return self.answer("", 302, headers=[("Location", f"{left - 1}")])

    def do_slow(self, argument, query, body):
        time.sleep(float(argument))
        self.answer("slow")

    def do_drip(self, argument, query, body):
        self.begin_chunks()
        self.chunk(b"a")
        self.wfile.flush()
        time.sleep(float(argument))
        self.chunk(b"b")
        self.chunk(b"")

    def do_reset(self, argument, query, body):
        size = int(argument)
        self.answer(b"x" * size, size=2 * size)
        self.hang_up()

    def do_none(self, argument, query, body):
        self.hang_up()

    def hang_up(self):
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.close_connection = True

    def do_cookie(self, argument, query, body):
        self.answer("", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])

    def do_connection(self, argument, query, body):
        self.answer(str(self.connection_number))

    def do_head(self, argument, query, body):
        size = int(argument)
        headers = []
        while size > 0:
            headers.append((f"X-{size}", "v" * min(size, 4000)))
            size -= 4000
        self.answer("", headers=headers)

    def do_events(self, argument, query, body):
        self.begin_chunks("text/event-stream")
        self.chunk(b"data: 1\n\n")
        self.chunk(b"data: 2\n\n")
        self.wfile.flush()
        try:
            self.connection.recv(1)
        finally:
            self.close_connection = True

    def do_bomb(self, argument, query, body):
        self.answer(gzip.compress(bytes(int(argument))),
                    headers=[("Content-Encoding", "gzip")])


class Server:
    def __init__(self, tls=None, handler=Handler):
        self.lock = threading.Lock()
        self.seen = []
        self.connections = self.open = self.sent = 0
        self.http = Quiet(("127.0.0.1", 0), handler)
        self.http.home = self
        self.port = self.http.server_address[1]
        scheme = "http"
        if tls is not None:
            scheme = "https"
            self.ca = certificate(tls)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca, os.path.join(tls, "key.pem"))
            self.http.socket = context.wrap_socket(self.http.socket,
                                                   server_side=True)
        host = "localhost" if tls is not None else "127.0.0.1"
        self.url = f"{scheme}://{host}:{self.port}"
        self.host = f"{host}:{self.port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.http.serve_forever,
                                       kwargs={"poll_interval": 0.05},
                                       daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.http.shutdown()
        self.http.server_close()

    def headers(self, index=-1):
        """Of a request, with names in lower case."""
        return {name.lower(): value
                for name, value in self.seen[index][2].items()}


def certificate(folder):
    """Makes one for 'localhost' that signs itself; its file."""
    path = os.path.join(folder, "certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", os.path.join(folder, "key.pem"), "-out", path,
                    "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True,
                   capture_output=True)
    return path


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_CONNECT(self):
        self.server.home.asked.append(("CONNECT", self.path))
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as other:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\nX-Proxy: 1\r\n\r\n")
            self.wfile.flush()
            back = threading.Thread(target=pump, daemon=True,
                                    args=(other, self.connection))
            back.start()
            pump(self.connection, other)
            back.join()
        self.close_connection = True

    def do_GET(self):
        self.server.home.asked.append(("GET", self.path))
        body = b"by the proxy"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy(Server):
    def __init__(self):
        super().__init__(handler=ProxyHandler)
        self.asked = []
