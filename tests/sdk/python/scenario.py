"""The calls of a skill to Box, as one sequence of checks that runs with every Python client."""

import datetime
import json
import os
import sys
import traceback

FOLDER = os.environ["EVENTS_DIR"]
with open(os.path.join(FOLDER, sorted(os.listdir(FOLDER))[0])) as file:
    EVENT = json.load(file)
with open(os.environ["CONTENT"], "rb") as file:
    CONTENT = file.read()

READ = EVENT["token"]["read"]["access_token"]
WRITE = EVENT["token"]["write"]["access_token"]
USER = os.environ["USER_TOKEN"]
FILE = str(EVENT["source"]["id"])
SKILL = str(EVENT["skill"]["id"])


def card(text):
    return {
        "created_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "type": "skill_card",
        "skill_card_type": "keyword",
        "skill_card_title": {"code": "skills_topics", "message": "Topics"},
        "skill": {"type": "service", "id": SKILL},
        "invocation": {"type": "skill_invocation", "id": str(EVENT["id"])},
        "entries": [{"type": "text", "text": text}],
    }


def texts(cards):
    return [one["entries"][0]["text"] for one in cards]


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def status_of(failing):
    """The HTTP status with which a call is refused, wherever the client keeps it."""
    try:
        failing()
    except Exception as error:
        for place in (error, getattr(error, "response_info", None), getattr(error, "response", None)):
            for name in ("status", "status_code", "code"):
                if isinstance(getattr(place, name, None), int):
                    return getattr(place, name)
        raise
    raise AssertionError("it was to be refused")


def info(box, _):
    file = box.info(WRITE, FILE)
    equal((file["id"], file["name"], file["size"]), (FILE, EVENT["source"]["name"], len(CONTENT)))


def download(box, _):
    equal(box.download(READ, FILE), CONTENT)


def create(box, _):
    equal(texts(box.create(WRITE, FILE, [card("created")])), ["created"])


def conflict_then_update(box, _):
    equal(status_of(lambda: box.create(WRITE, FILE, [card("again")])), 409)
    patch = [{"op": "replace", "path": "/cards/0", "value": card("updated")}]
    equal(texts(box.update(WRITE, FILE, patch)), ["updated"])


def invocation(box, _):
    body = {
        "status": "success",
        "file": {"type": "file", "id": FILE},
        "metadata": {"cards": [card("one"), card("two")]},
        "usage": {"unit": "files", "value": 1},
    }
    box.invoke(WRITE, SKILL, body)
    equal(texts(box.read(READ, FILE)), ["one", "two"])


def delete(box, _):
    box.remove(WRITE, FILE)
    equal(status_of(lambda: box.read(READ, FILE)), 404)


def upload(box, name):
    file = box.upload(USER, f"{name}-{os.getpid()}.txt", CONTENT, "0")
    equal(file["size"], len(CONTENT))
    equal(box.download(USER, file["id"]), CONTENT)


def representation(box, _):
    equal(box.representation(READ, FILE).strip(), CONTENT.strip())


STEPS = (info, download, create, conflict_then_update, invocation, delete, upload, representation)


def run(name, box):
    for step in STEPS:
        try:
            step(box, name)
        except Exception:
            traceback.print_exc()
            sys.exit(f"{name}: {step.__name__} failed")
    print(f"{name}: " + ", ".join(step.__name__.replace("_", " ") for step in STEPS))


def roots(mode):
    """The roots that a client hard-codes, or the configured ones."""
    if mode == "hard-coded":
        return "https://api.box.com", "https://upload.box.com/api"
    return os.environ["BOX_API_BASE_URL"], os.environ["BOX_UPLOAD_BASE_URL"]
