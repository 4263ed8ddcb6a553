"""The calls to Box for a plain HTTP client."""

import json


class Rest:
    """`send(method, url, headers, body)` gives the bytes of a good answer, following redirects."""

    def __init__(self, send, api, upload):
        self.send, self.api, self.upload_root = send, api, upload

    def _json(self, method, url, token, body=None, content_type="application/json", headers=None):
        headers = {"Authorization": f"Bearer {token}", **(headers or {})}
        if body is not None:
            headers["Content-Type"] = content_type
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.send(method, url, headers, body)
        return json.loads(answer) if answer else None

    def _cards(self, file):
        return f"{self.api}/2.0/files/{file}/metadata/global/boxSkillsCards"

    def info(self, token, file):
        return self._json("GET", f"{self.api}/2.0/files/{file}", token)

    def download(self, token, file):
        url = f"{self.api}/2.0/files/{file}/content"
        return self.send("GET", url, {"Authorization": f"Bearer {token}"}, None)

    def create(self, token, file, cards):
        return self._json("POST", self._cards(file), token, {"cards": cards})["cards"]

    def update(self, token, file, patch):
        kind = "application/json-patch+json"
        return self._json("PUT", self._cards(file), token, patch, kind)["cards"]

    def read(self, token, file):
        return self._json("GET", self._cards(file), token)["cards"]

    def remove(self, token, file):
        self._json("DELETE", self._cards(file), token)

    def invoke(self, token, skill, body):
        self._json("PUT", f"{self.api}/2.0/skill_invocations/{skill}", token, body)

    def upload(self, token, name, content, parent):
        boundary = "one-of-a-kind"
        attributes = json.dumps({"name": name, "parent": {"id": parent}})
        body = (
            f'--{boundary}\r\ncontent-disposition: form-data; name="attributes"\r\n\r\n'
            f"{attributes}\r\n--{boundary}\r\n"
            'content-disposition: form-data; name="file"; filename="unused"\r\n'
            "content-type: application/octet-stream\r\n\r\n"
        ).encode() + content + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        answer = self._json("POST", f"{self.upload_root}/2.0/files/content", token, body, kind)
        return answer["entries"][0]

    def representation(self, token, file):
        url = f"{self.api}/2.0/files/{file}?fields=representations"
        answer = self._json("GET", url, token, headers={"X-Rep-Hints": "[extracted_text]"})
        template = answer["representations"]["entries"][0]["content"]["url_template"]
        url = template.replace("{+asset_path}", "")
        return self.send("GET", url, {"Authorization": f"Bearer {token}"}, None)
