"""The work of the skill: download the file of an event, make cards of it, write them."""

import base64
import hashlib
import hmac
import json
import os
import traceback
from datetime import datetime, timezone
from urllib.request import Request, urlopen

BOX = os.environ.get("BOX_API_BASE_URL", "https://api.box.com")
MAX_AGE_SECONDS = 600


def is_from_box(headers, body):
    """Says whether Box sent this body. `headers` have lower-case names. Box signs with two keys,
    so that one can be replaced at a time. Without a key, nothing is verified."""
    keys = {
        "primary": os.environ.get("BOX_PRIMARY_KEY"),
        "secondary": os.environ.get("BOX_SECONDARY_KEY"),
    }
    if not any(keys.values()):
        return True
    timestamp = headers.get("box-delivery-timestamp", "")
    try:
        age = datetime.now(timezone.utc) - datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except (TypeError, ValueError):
        return False
    if abs(age.total_seconds()) > MAX_AGE_SECONDS:
        return False
    for name, key in keys.items():
        if key:
            digest = hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).digest()
            found = headers.get(f"box-signature-{name}", "")
            if hmac.compare_digest(base64.b64encode(digest), found.encode()):
                return True
    return False


def run(event):
    """Downloads the file and writes its cards. An error ends as a card that the user can see."""
    try:
        report(event, "processing", [status_card(event, "skills_pending_status")])
        text = download(event)
        report(event, "success", [transcript(event, text)])
    except Exception:
        traceback.print_exc()
        report(event, "permanent_failure", [status_card(event, "skills_unknown_error")])


def download(event):
    """Only the read token may download."""
    path = f"files/{event['source']['id']}/content"
    return call("GET", path, event["token"]["read"]).decode("utf-8")


def report(event, status, cards):
    """Only the write token may write cards. This call replaces all cards of the file."""
    call("PUT", f"skill_invocations/{event['skill']['id']}", event["token"]["write"], {
        "status": status,
        "file": {"type": "file", "id": str(event["source"]["id"])},
        "metadata": {"cards": cards},
    })


def call(method, path, token, body=None):
    request = Request(
        f"{BOX}/2.0/{path}",
        json.dumps(body).encode() if body else None,
        {
            "Authorization": f"Bearer {token['access_token']}",
            "Content-Type": "application/json",
        },
        method=method,
    )
    with urlopen(request, timeout=60) as response:
        return response.read()


def transcript(event, text):
    lines = [line for line in text.splitlines() if line.strip()]
    entries = [{"type": "text", "text": line} for line in lines]
    return card(event, "transcript", "skills_transcript", "Transcript", entries=entries)


def status_card(event, code):
    return card(event, "status", "skills_status", "Status", status={"code": code})


def card(event, kind, code, message, **members):
    """Box accepts ids only as strings; a test event of the developer console has numbers."""
    return {
        "type": "skill_card",
        "skill_card_type": kind,
        "skill_card_title": {"code": code, "message": message},
        "skill": {"type": "service", "id": str(event["skill"]["id"])},
        "invocation": {"type": "skill_invocation", "id": str(event["id"])},
        "created_at": datetime.now(timezone.utc).isoformat(),
        **members,
    }
