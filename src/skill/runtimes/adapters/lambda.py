"""One sandbox of a Lambda function in Python, as AWS runs it: takes one invocation at a time from
skillctl and answers it. Started as: python3 -u lambda.py MODULE.FUNCTION, with a socket as file
descriptor 3. Uses nothing but the standard library.

A message is a length of four bytes (big-endian) and that many bytes of JSON. It is written and read
with the interpreter's lock held: from an answer to the next invocation no other thread runs Python
code, so nothing of the handler goes on in between, whenever skillctl gets to stop the process."""

import decimal
import importlib
import json
import os
import struct
import sys
import threading
import time
import traceback

CHANNEL = 3

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


def blocking_calls():
    """read and write that keep the interpreter's lock, where ctypes is there."""
    try:
        import ctypes

        libc = ctypes.PyDLL(None, use_errno=True)
        libc.read.restype = libc.write.restype = ctypes.c_ssize_t
        libc.read.argtypes = libc.write.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    except (ImportError, OSError, AttributeError):
        return lambda size: os.read(CHANNEL, size), lambda data: os.write(CHANNEL, data)

    def checked(call, *arguments):
        while True:
            count = call(CHANNEL, *arguments)
            if count >= 0:
                return count
            error = ctypes.get_errno()
            if error != 4:  # EINTR
                raise OSError(error, os.strerror(error))

    def read(size):
        buffer = ctypes.create_string_buffer(min(size, 1 << 20))
        count = checked(libc.read, buffer, len(buffer))
        return buffer.raw[:count]

    def write(data):
        return checked(libc.write, data, len(data))

    return read, write


READ, WRITE = blocking_calls()


def read_exactly(size):
    data = bytearray()
    while len(data) < size:
        piece = READ(size - len(data))
        if not piece:
            os._exit(0)  # skillctl is gone
        data += piece
    return bytes(data)


def receive():
    return json.loads(read_exactly(struct.unpack(">I", read_exactly(4))[0]).decode("utf-8"))


def send(body):
    data = struct.pack(">I", len(body)) + body
    while data:
        data = data[WRITE(data) :]


def load():
    """`src/app.lambda_handler` is the function `lambda_handler` of src/app.py."""
    module_name, _, function_name = NAME.rpartition(".")
    if not module_name or not function_name:
        sys.exit("not MODULE.FUNCTION: " + NAME)
    # Modules are imported from the skill's folder, not from the folder of this script.
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

    def __init__(self, invocation):
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = (
            "arn:aws:lambda:us-east-1:000000000000:function:" + FUNCTION_NAME
        )
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.aws_request_id = invocation["id"]
        self.log_group_name = "/aws/lambda/" + FUNCTION_NAME
        self.log_stream_name = "local"
        self.identity = None
        self.client_context = None
        self._deadline_ms = invocation["deadline_ms"]

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))


def as_json(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    if hasattr(value, "close") and hasattr(value, "send"):
        value.close()  # a coroutine: no warning that it was never awaited
        raise TypeError("a coroutine: AWS does not await Python handlers, use asyncio.run inside")
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def open_handles():
    """Threads that the handler left running."""
    this = threading.current_thread()
    return ["thread " + it.name for it in threading.enumerate() if it is not this]


def error_message(text):
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()
    return json.dumps({"error": text, "open": open_handles()}).encode("utf-8")


def answer_to(handler, invocation):
    try:
        result = handler(invocation["event"], Context(invocation))
    except Exception:
        return error_message(traceback.format_exc())
    try:
        answer = {"result": result, "open": open_handles()}
        return json.dumps(answer, default=as_json).encode("utf-8")
    except Exception as error:
        return error_message("the result cannot be written as JSON: %s" % error)


def main():
    os.set_inheritable(CHANNEL, False)
    handler = load()
    send(b'{"ready": true}')
    while True:
        send(answer_to(handler, receive()))


main()
