"""Plays AWS Lambda behind an API Gateway proxy for one Python handler, so that a Skill that is a
function needs no server code: python3 lambda.py app.lambda_handler, listening on 127.0.0.1:$PORT.
Uses nothing but the standard library. Every request runs in a thread of its own."""

import asyncio
import base64
import importlib
import inspect
import json
import os
import socketserver
import sys
import time
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# API Gateway's own limit.
LARGEST_BODY = 10 * 1024 * 1024
# Lambda's longest run, for get_remaining_time_in_millis.
MAX_RUN_S = 15 * 60

NAME = sys.argv[1] if len(sys.argv) > 1 else ""
FUNCTION_NAME = os.path.basename(os.getcwd()) or "function"

for variable, value in {
    "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_REGION": "us-east-1",
    "LAMBDA_TASK_ROOT": os.getcwd(),
    "_HANDLER": NAME,
}.items():
    os.environ.setdefault(variable, value)


def log(message):
    sys.stderr.write(message.rstrip("\n") + "\n")
    sys.stderr.flush()


def load():
    """`src/app.lambda_handler` is the function `lambda_handler` of src/app.py."""
    module_name, _, function_name = NAME.rpartition(".")
    if not module_name or not function_name:
        sys.exit("the handler must read MODULE.FUNCTION: " + NAME)
    # The script's own folder is no place to import from; the Skill's is.
    sys.path[0] = os.getcwd()
    try:
        module = importlib.import_module(module_name.replace("/", ".").lstrip("."))
    except BaseException:  # a module may also call sys.exit
        traceback.print_exc()
        sys.exit("the module " + module_name + " cannot be imported")
    handler = getattr(module, function_name, None)
    if not callable(handler):
        sys.exit("the module " + module_name + " has no function " + function_name)
    return handler


class Context:
    """The context of an invocation, with the names that Lambda uses."""

    def __init__(self):
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = (
            "arn:aws:lambda:us-east-1:000000000000:function:" + FUNCTION_NAME
        )
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = "/aws/lambda/" + FUNCTION_NAME
        self.log_stream_name = "local"
        self.identity = None
        self.client_context = None
        self._end = time.monotonic() + MAX_RUN_S

    def get_remaining_time_in_millis(self):
        return max(0, int((self._end - time.monotonic()) * 1000))


def proxy_event(request, body):
    headers, many_headers = {}, {}
    for name, value in request.headers.items():
        headers[name] = value
        many_headers.setdefault(name, []).append(value)
    url = urlsplit(request.path)
    many_query = parse_qs(url.query, keep_blank_values=True)
    try:
        text, is_base64 = body.decode("utf-8"), False
    except UnicodeDecodeError:
        text, is_base64 = base64.b64encode(body).decode("ascii"), True
    return {
        "resource": "/{proxy+}",
        "path": url.path,
        "httpMethod": request.command,
        "headers": headers,
        "multiValueHeaders": many_headers,
        "queryStringParameters": {k: v[-1] for k, v in many_query.items()} or None,
        "multiValueQueryStringParameters": many_query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "httpMethod": request.command,
            "identity": {
                "sourceIp": request.client_address[0],
                "userAgent": request.headers.get("user-agent"),
            },
            "path": url.path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(time.time() * 1000),
            "resourcePath": "/{proxy+}",
            "stage": "local",
        },
        "body": text or None,
        "isBase64Encoded": is_base64,
    }


def malformed(result):
    """Why API Gateway makes a 502 of an answer, or None."""
    if not isinstance(result, dict):
        return "the handler answered %r, not a dict with statusCode" % (result,)
    try:
        status = int(result.get("statusCode"))
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        return "the handler's statusCode is %r" % (result.get("statusCode"),)
    if result.get("body") is not None and not isinstance(result["body"], str):
        return "the body of the handler's answer is no string: it needs json.dumps"
    return None


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body leave in one piece.
    wbufsize = -1
    handler = None

    def log_message(self, *arguments):
        pass

    def invoke(self):
        try:
            length = int(self.headers.get("content-length") or 0)
        except ValueError:
            length = -1
        if length < 0 or "transfer-encoding" in self.headers:
            self.close_connection = True
            return self.answer(411, {}, b"the body needs a Content-Length")
        if length > LARGEST_BODY:
            self.close_connection = True
            return self.answer(413, {}, b"the body is too large for API Gateway")
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        try:
            result = type(self).handler(proxy_event(self, body), Context())
            if inspect.isawaitable(result):
                result = asyncio.run(awaited(result))
        except BaseException:  # a handler may also call sys.exit
            return self.answer_error("the handler failed: " + traceback.format_exc())
        return self.answer_result(result)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = invoke

    def answer_result(self, result):
        wrong = malformed(result)
        if wrong:
            return self.answer_error(wrong + "; API Gateway makes a 502 of it")
        body = (result.get("body") or "").encode("utf-8")
        if result.get("isBase64Encoded"):
            try:
                body = base64.b64decode(body)
            except ValueError:
                return self.answer_error("the body of the handler's answer is no base64")
        headers = {k: [v] for k, v in (result.get("headers") or {}).items() if v is not None}
        headers.update(result.get("multiValueHeaders") or {})
        return self.answer(int(result["statusCode"]), headers, body)

    def answer_error(self, message):
        log(message)
        body = {"message": "Internal server error", "reason": message}
        self.answer(502, {}, json.dumps(body).encode("utf-8"))

    def answer(self, status, headers, body):
        self.send_response(status)
        names = {name.lower() for name in headers}
        for name, values in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                for value in values:
                    one_line = " ".join(str(value).splitlines())
                    self.send_header(name, one_line)
        if "content-type" not in names:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


async def awaited(result):
    return await result


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # Without asking the name service for a name that nobody needs.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            traceback.print_exc()


def main():
    Request.handler = staticmethod(load())
    try:
        server = Server(("127.0.0.1", int(os.environ.get("PORT") or 0)), Request)
    except OSError as error:
        sys.exit("cannot listen on port %s: %s" % (os.environ.get("PORT"), error))
    print("%s listening on http://127.0.0.1:%d" % (NAME, server.server_port), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


main()
