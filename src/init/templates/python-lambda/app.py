"""A Box Custom Skill as a Lambda function behind an API Gateway. Lambda freezes the process after
the reply, so the work is done before it. Box expects the reply within 10 seconds: hand longer work
to a queue."""

import base64
import json

from skill import is_from_box, run


def lambda_handler(request, context):
    body = (request.get("body") or "").encode()
    if request.get("isBase64Encoded"):
        body = base64.b64decode(body)
    headers = {name.lower(): value for name, value in (request.get("headers") or {}).items()}
    if not is_from_box(headers, body):
        return {"statusCode": 403}
    try:
        event = json.loads(body)
    except ValueError:
        return {"statusCode": 400}
    run(event)
    return {"statusCode": 200}
