"""boxsdk 10: sdk_10.py hard-coded|configured"""

import io
import sys

from box_sdk_gen import (
    BaseUrls,
    BoxClient,
    BoxDeveloperTokenAuth,
    FetchOptions,
    ResponseFormat,
    UploadFileAttributes,
    UploadFileAttributesParentField,
)

from scenario import roots, run

MODE = sys.argv[1]
API, UPLOAD = roots(MODE)


def client(token):
    made = BoxClient(BoxDeveloperTokenAuth(token=token))
    if MODE == "configured":
        made = made.with_custom_base_urls(BaseUrls(base_url=API, upload_url=UPLOAD))
    return made


def plain(answer):
    return answer.to_dict()


class Sdk:
    def info(self, token, file):
        return plain(client(token).files.get_file_by_id(file))

    def download(self, token, file):
        return client(token).downloads.download_file(file).read()

    def create(self, token, file, cards):
        return plain(client(token).skills.create_box_skill_cards_on_file(file, cards))["cards"]

    def update(self, token, file, patch):
        return plain(client(token).skills.update_box_skill_cards_on_file(file, patch))["cards"]

    def read(self, token, file):
        return plain(client(token).skills.get_box_skill_cards_on_file(file))["cards"]

    def remove(self, token, file):
        client(token).skills.delete_box_skill_cards_from_file(file)

    def invoke(self, token, skill, body):
        client(token).skills.update_all_skill_cards_on_file(
            skill, body["status"], body["metadata"], body["file"], usage=body["usage"]
        )

    def upload(self, token, name, content, parent):
        attributes = UploadFileAttributes(name, UploadFileAttributesParentField(parent))
        answer = client(token).uploads.upload_file(attributes, io.BytesIO(content))
        return plain(answer.entries[0])

    def representation(self, token, file):
        box = client(token)
        answer = box.files.get_file_by_id(
            file, fields=["representations"], x_rep_hints="[extracted_text]"
        )
        template = plain(answer)["representations"]["entries"][0]["content"]["url_template"]
        options = FetchOptions(
            url=template.replace("{+asset_path}", ""),
            method="GET",
            response_format=ResponseFormat.BINARY,
        )
        return box.make_request(options).content.read()


run(f"boxsdk-10 {MODE}", Sdk())
