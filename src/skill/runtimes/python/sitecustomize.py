"""Connects Python to a mock of Box: Box's hosts are reached at the mock, by clients that ignore proxies
too. Written by skillctl; its folder is the first of PYTHONPATH. A sitecustomize of the user's own then
runs as it would without this file. It does nothing when the mock has ended.
"""

import errno
import os
import sys

# A Box host resolves to one of these, and a connection to one of these goes to the mock, at any port:
# clients combine the address that they looked up with a port of their own. What reaches the system
# all the same stays on this machine, or is discarded (RFC 6666).
BOX_IPV4 = "127.72.69.1"
BOX_IPV6 = "100::7269"


def settings():
    """The settings of the run, or None when it is over: the mock removes its folder at the end."""
    try:
        path = os.path.join(os.environ["SKILLCTL_RUN_FOLDER"], "interception.conf")
        with open(path, encoding="utf-8") as file:
            return dict(line.rstrip("\n").split("=", 1) for line in file)
    except (KeyError, OSError):
        return None


def text(host):
    """A host as lower-case text without the root's dot; empty if it is not a host name or address."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    return host.lower().rstrip(".") if isinstance(host, str) else ""


def is_box(host):
    host = text(host)
    return host.endswith((".box.com", ".boxcloud.com")) or host in ("box.com", "boxcloud.com")


def is_loopback(host):
    host = text(host)
    if host.startswith("::ffff:"):
        host = host[7:]
    return (
        host in ("", "::", "::1", "0.0.0.0", "localhost")
        or host.endswith(".localhost")
        or host.startswith("127.")
    )


def install(run):
    import _socket

    Plain = _socket.socket
    refused = "{}: refused by skillctl --no-egress"
    mock = run["host"], int(run["port"])
    mock_is_ipv6 = ":" in mock[0]
    no_egress = run["egress"] == "off"
    all_hosts = run.get("hosts") == "all"

    def report(host, port):
        """Asks the mock for the host, as a client of its proxy would: the refusal is in its log."""
        host, port = text(host), port if isinstance(port, int) else 0
        target = "{}:{}".format("[" + host + "]" if ":" in host else host, port)
        request = "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nConnection: close\r\n\r\n".format(target)
        family = _socket.AF_INET6 if mock_is_ipv6 else _socket.AF_INET
        connection = Plain(family, _socket.SOCK_STREAM)
        try:
            connection.settimeout(2)
            connection.connect(mock)
            connection.sendall(request.encode())
            connection.recv(1)
        except OSError:
            pass
        finally:
            connection.close()

    def is_address(host):
        for family in (_socket.AF_INET, _socket.AF_INET6):
            try:
                _socket.inet_pton(family, host.split("%")[0])
                return True
            except OSError:
                pass
        return False

    def is_for_mock(host):
        """Box's hosts; in a run with cassettes the mock answers for all hosts that have a name."""
        if is_box(host):
            return True
        return all_hosts and not is_loopback(host) and not is_address(text(host)) and not is_own(host)

    def is_own(host):
        return text(host) == text(_socket.gethostname())

    def lookup_name(host, port=None, family=0):
        """What is looked up instead of `host`; raises where it must not be looked up."""
        if is_for_mock(host):
            return BOX_IPV6 if family == _socket.AF_INET6 or mock_is_ipv6 else BOX_IPV4
        if no_egress and not is_loopback(host) and not is_address(text(host)):
            if not is_own(host):
                report(host, port or 443)
                raise _socket.gaierror(_socket.EAI_NONAME, refused.format(text(host)))
        return host

    def goes_to_mock(host):
        return host in (BOX_IPV4, BOX_IPV6) or is_for_mock(host)

    def destination(connection, address):
        """Where a socket connects to instead of `address`."""
        is_ipv6 = connection.family == _socket.AF_INET6
        if not isinstance(address, tuple) or len(address) < 2:
            return address
        if not is_ipv6 and connection.family != _socket.AF_INET:
            return address
        if goes_to_mock(address[0]):
            return ("::ffff:" + mock[0], mock[1]) if is_ipv6 and not mock_is_ipv6 else mock
        refuse_elsewhere(*address[:2], is_stream=connection.type == _socket.SOCK_STREAM)
        return address

    def refuse_elsewhere(host, port, is_stream=True):
        if no_egress and is_stream and not is_loopback(host):
            report(host, port)
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, refused.format("{}:{}".format(text(host), port))
            )

    class Socket(Plain):
        """The base of all sockets: of the socket module's, and of gevent's."""

        __slots__ = ()

        def connect(self, address):
            return Plain.connect(self, destination(self, address))

        def connect_ex(self, address):
            try:
                return Plain.connect_ex(self, destination(self, address))
            except ConnectionRefusedError as error:
                return error.errno

    def with_lookup(original):
        def lookup(host, *arguments, **options):
            port = arguments[0] if arguments else options.get("port")
            family = arguments[1] if len(arguments) > 1 else options.get("family", 0)
            return original(lookup_name(host, port, family), *arguments, **options)

        return lookup

    def without_port(original):
        return lambda host: original(lookup_name(host))

    _socket.getaddrinfo = with_lookup(_socket.getaddrinfo)
    _socket.gethostbyname = without_port(_socket.gethostbyname)
    _socket.gethostbyname_ex = without_port(_socket.gethostbyname_ex)
    _socket.socket = _socket.SocketType = Socket
    imported = sys.modules.get("socket")
    if imported is not None:
        # Its class does not derive from the one above.
        imported.gethostbyname = _socket.gethostbyname
        imported.gethostbyname_ex = _socket.gethostbyname_ex
        imported.socket.connect = lambda self, address: Socket.connect(self, address)
        imported.socket.connect_ex = lambda self, address: Socket.connect_ex(self, address)
    # Clients that do not use Python's sockets, or have certificates of their own.
    sys.meta_path.insert(0, Patches(run["bundle"], lookup_name, goes_to_mock, mock, refuse_elsewhere))


class Patches:
    """Changes modules right after they are imported, before anyone can copy what is changed."""

    def __init__(self, bundle, lookup_name, goes_to_mock, mock, refuse_elsewhere):
        self.bundle = bundle
        self.lookup_name = lookup_name
        self.goes_to_mock = goes_to_mock
        self.mock = mock
        self.refuse_elsewhere = refuse_elsewhere
        self.patches = {
            "aiodns": self.aiodns,
            "certifi": self.certifi,
            "httplib2.certs": self.certifi,
            "pycurl": self.pycurl,
            "uvloop": self.uvloop,
        }

    def find_spec(self, name, path=None, target=None):
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None:
                break
        else:
            self.patches[name] = patch
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            try:
                patch(module)
            except Exception as error:
                complain(name, error)

        spec.loader.exec_module = exec_module
        return spec

    def certifi(self, module):
        def contents():
            with open(self.bundle, encoding="ascii") as file:
                return file.read()

        for place in (module, getattr(module, "core", None)):
            if place is not None:
                place.where = lambda: self.bundle
                place.contents = contents

    def pycurl(self, module):
        Plain, bundle = module.Curl, self.bundle

        class Curl(Plain):
            def __init__(self, *arguments, **options):
                self.setopt(module.CAINFO, bundle)

            def reset(self):
                Plain.reset(self)
                self.setopt(module.CAINFO, bundle)

        module.Curl = Curl

    def aiodns(self, module):
        resolver = module.DNSResolver
        for name in ("getaddrinfo", "gethostbyname"):
            if hasattr(resolver, name):
                setattr(resolver, name, self.with_lookup(getattr(resolver, name)))

    def with_lookup(self, original):
        def lookup(resolver, host, *arguments, **options):
            host = self.lookup_name(host, options.get("port"), options.get("family", 0))
            return original(resolver, host, *arguments, **options)

        return lookup

    def uvloop(self, module):
        loop = module.Loop
        create_connection, getaddrinfo = loop.create_connection, loop.getaddrinfo

        async def connect(self_, factory, host=None, port=None, **options):
            if host is not None and self.goes_to_mock(host):
                if options.get("ssl") and options.get("server_hostname") is None:
                    options["server_hostname"] = host
                host, port = self.mock
            elif host is not None:
                self.refuse_elsewhere(host, port)
            return await create_connection(self_, factory, host, port, **options)

        def lookup(self_, host, port, **options):
            host = self.lookup_name(host, port, options.get("family", 0))
            return getaddrinfo(self_, host, port, **options)

        loop.create_connection = connect
        loop.getaddrinfo = lookup


def complain(what, error):
    sys.stderr.write("skillctl: {} does not reach the mock: {!r}\n".format(what, error))


def run_own():
    """Runs the sitecustomize that Python would have found without this one."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    this = sys.modules.pop(__name__)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", __name__) != __name__:
            raise
        sys.modules[__name__] = this


if sys.version_info >= (3, 6):
    try:
        found = settings()
        if found is not None:
            install(found)
    except Exception as error:
        complain("Python", error)
run_own()
