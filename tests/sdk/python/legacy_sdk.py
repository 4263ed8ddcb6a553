"""boxsdk 3: legacy_sdk.py hard-coded|configured"""

import io
import json
import sys

import boxsdk
from boxsdk import Client, OAuth2

from scenario import roots, run

MODE = sys.argv[1]
API, UPLOAD = roots(MODE)
if MODE == "configured":
    boxsdk.config.API.BASE_API_URL = f"{API}/2.0"
    boxsdk.config.API.UPLOAD_URL = f"{UPLOAD}/2.0"


def client(token):
    return Client(OAuth2(client_id="any", client_secret="any", access_token=token))


def instance(token, file):
    return client(token).file(file).metadata("global", "boxSkillsCards")


class Sdk:
    def info(self, token, file):
        return client(token).file(file).get().response_object

    def download(self, token, file):
        return client(token).file(file).content()

    def create(self, token, file, cards):
        return instance(token, file).create({"cards": cards})["cards"]

    def update(self, token, file, patch):
        metadata = instance(token, file)
        updates = metadata.start_update()
        for change in patch:
            # `update` of this SDK is Box's `replace`.
            updates.update(change["path"], change["value"])
        return metadata.update(updates)["cards"]

    def read(self, token, file):
        return instance(token, file).get()["cards"]

    def remove(self, token, file):
        assert instance(token, file).delete()

    def invoke(self, token, skill, body):
        url = f"{boxsdk.config.API.BASE_API_URL}/skill_invocations/{skill}"
        client(token).make_request("PUT", url, data=json.dumps(body), expect_json_response=False)

    def upload(self, token, name, content, parent):
        file = client(token).folder(parent).upload_stream(io.BytesIO(content), name)
        return file.response_object

    def representation(self, token, file):
        entries = client(token).file(file).get_representation_info("[extracted_text]")
        url = entries[0]["content"]["url_template"].replace("{+asset_path}", "")
        return client(token).make_request("GET", url, expect_json_response=False).content


run(f"boxsdk-{boxsdk.__version__} {MODE}", Sdk())
