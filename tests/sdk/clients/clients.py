"""Python's HTTP clients: clients.py NAME URL sends a GET and prints the status."""

import asyncio
import sys
from urllib.parse import urlsplit

NAME, URL = sys.argv[1:]
TIMEOUT = 15


def urllib():
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        return urlopen(URL, timeout=TIMEOUT).status
    except HTTPError as error:
        return error.code


def http_client():
    import http.client

    url = urlsplit(URL)
    connection = http.client.HTTPSConnection(url.netloc, timeout=TIMEOUT)
    connection.request("GET", url.path)
    return connection.getresponse().status


def urllib3():
    import urllib3

    return urllib3.PoolManager(retries=False).request("GET", URL, timeout=TIMEOUT).status


def requests(trust_env=True):
    import requests

    session = requests.Session()
    session.trust_env = trust_env
    return session.get(URL, timeout=TIMEOUT).status_code


def httpx(trust_env=True):
    import httpx

    return httpx.get(URL, trust_env=trust_env, timeout=TIMEOUT).status_code


async def get_with_httpx(trust_env):
    import httpx

    async with httpx.AsyncClient(trust_env=trust_env, timeout=TIMEOUT) as client:
        return (await client.get(URL)).status_code


async def get_with_aiohttp(resolver=None, trust_env=False):
    import aiohttp

    connector = aiohttp.TCPConnector(resolver=resolver and resolver())
    timeout = aiohttp.ClientTimeout(TIMEOUT)
    options = {"connector": connector, "timeout": timeout, "trust_env": trust_env}
    async with aiohttp.ClientSession(**options) as session:
        async with session.get(URL) as answer:
            return answer.status


def aiohttp_threaded():
    import aiohttp

    return asyncio.run(get_with_aiohttp(aiohttp.ThreadedResolver))


def aiohttp_aiodns():
    import aiohttp

    return asyncio.run(get_with_aiohttp(aiohttp.AsyncResolver))


def with_uvloop(client):
    import uvloop

    uvloop.install()
    return client()


def httpx_trio():
    import trio

    return trio.run(get_with_httpx, False)


async def fetch_with_tornado(client):
    options = {"raise_error": False, "request_timeout": TIMEOUT}
    return (await client().fetch(URL, **options)).code


def tornado():
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    return asyncio.run(fetch_with_tornado(SimpleAsyncHTTPClient))


def tornado_curl():
    from tornado.curl_httpclient import CurlAsyncHTTPClient

    return asyncio.run(fetch_with_tornado(CurlAsyncHTTPClient))


def httplib2():
    import httplib2

    return httplib2.Http(timeout=TIMEOUT).request(URL)[0].status


def pycurl():
    import io

    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, URL)
    curl.setopt(pycurl.WRITEDATA, io.BytesIO())
    curl.setopt(pycurl.TIMEOUT, TIMEOUT)
    curl.perform()
    return curl.getinfo(pycurl.RESPONSE_CODE)


def gevent():
    from gevent import monkey

    monkey.patch_all()
    return requests(trust_env=False)


def in_child_process():
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(requests, (False,))


CLIENTS = {
    "urllib": urllib,
    "http.client": http_client,
    "urllib3": urllib3,
    "requests": requests,
    "requests-without-trust-env": lambda: requests(trust_env=False),
    "httpx": httpx,
    "httpx-without-trust-env": lambda: httpx(trust_env=False),
    "httpx-async": lambda: asyncio.run(get_with_httpx(True)),
    "httpx-async-without-trust-env": lambda: asyncio.run(get_with_httpx(False)),
    "httpx-trio": httpx_trio,
    "aiohttp": aiohttp_threaded,
    "aiohttp-aiodns": aiohttp_aiodns,
    "aiohttp-trust-env": lambda: asyncio.run(get_with_aiohttp(trust_env=True)),
    "aiohttp-uvloop": lambda: with_uvloop(aiohttp_threaded),
    "httpx-uvloop": lambda: with_uvloop(lambda: asyncio.run(get_with_httpx(False))),
    "tornado": tornado,
    "tornado-curl": tornado_curl,
    "httplib2": httplib2,
    "pycurl": pycurl,
    "gevent": gevent,
    "multiprocessing": in_child_process,
}

if __name__ == "__main__":
    print(CLIENTS[NAME]())
