#!/usr/bin/env python3
"""Derives calls.json from Box's OpenAPI description: python3 derive.py openapi.json >calls.json

What is kept of the description: paths, methods, parameters, bodies and answers, as types and limits. Its
texts and examples are left out, and the calls of families that the mock does not play.
"""

import json
import sys

FAMILIES = ("/files", "/folders", "/metadata_templates", "/skill_invocations", "/users/me", "/oauth2")
TEXTS = {"description", "summary", "title", "example", "examples", "externalDocs", "tags", "security", "servers"}
# Below these, keys are names that Box chose, not words of OpenAPI.
NAMES = {"properties", "schemas", "responses", "content", "paths", "headers"}


def without_texts(value, below=None):
    if isinstance(value, list):
        return [without_texts(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        is_text = key in TEXTS or key.startswith("x-")
        if below not in NAMES and is_text:
            continue
        kept[key] = without_texts(item, key if below not in NAMES else None)
    return kept


def references(value):
    """The names of the schemas that a value refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item.rsplit("/", 1)[1]
            else:
                yield from references(item)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    paths = {
        path: without_texts(item)
        for path, item in sorted(whole["paths"].items())
        # After a `#` comes a variant of a call that has the same path.
        if path.startswith(FAMILIES) and "#" not in path
    }
    schemas, open_names = {}, set(references(paths))
    while open_names:
        name = open_names.pop()
        schemas[name] = without_texts(whole["components"]["schemas"][name])
        open_names |= set(references(schemas[name])) - schemas.keys()
    table = {
        "openapi": whole["openapi"],
        "info": {"title": "Calls of Box", "version": whole["info"]["version"]},
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }
    json.dump(table, sys.stdout, indent=1, sort_keys=True)
    print()


main()
