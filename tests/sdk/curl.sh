#!/bin/sh
# Makes every call once with curl, to Box's own hosts, as a user does by hand.
set -eu

event=$(ls "$EVENTS_DIR"/*.json | head -n 1)
field() { python3 -c "import json,sys; print(json.load(open('$event'))$1)"; }
file=$(field "['source']['id']")
skill=$(field "['skill']['id']")
read=$(field "['token']['read']['access_token']")
write=$(field "['token']['write']['access_token']")

api=https://api.box.com/2.0
cards=$api/files/$file/metadata/global/boxSkillsCards
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say EXPECTED STEP TOKEN [ARGUMENTS]: makes one call, and requires the status EXPECTED.
say() {
  expected=$1 step=$2 token=$3
  shift 3
  status=$(curl -q -sS --max-time 20 -o "$work/body" -w '%{http_code}' \
    -H "Authorization: Bearer $token" "$@")
  if [ "$status" != "$expected" ]; then
    echo "curl: $step answered $status, not $expected: $(cat "$work/body")" >&2
    exit 1
  fi
}

card="{\"type\":\"skill_card\",\"skill_card_type\":\"keyword\",\"skill\":{\"type\":\"service\",\"id\":\"$skill\"},
  \"invocation\":{\"type\":\"skill_invocation\",\"id\":\"i\"},\"entries\":[{\"text\":\"curl\"}]}"

say 200 info "$write" "$api/files/$file"
say 200 download "$read" -L "$api/files/$file/content"
cmp "$work/body" "$CONTENT"
say 201 create "$write" --json "{\"cards\":[$card]}" "$cards"
say 409 conflict "$write" --json "{\"cards\":[$card]}" "$cards"
say 200 update "$write" -X PUT -H 'Content-Type: application/json-patch+json' \
  -d "[{\"op\":\"replace\",\"path\":\"/cards/0\",\"value\":$card}]" "$cards"
say 200 invocation "$write" -X PUT --json \
  "{\"status\":\"success\",\"file\":{\"type\":\"file\",\"id\":\"$file\"},\"metadata\":{\"cards\":[$card]}}" \
  "$api/skill_invocations/$skill"
say 204 delete "$write" -X DELETE "$cards"
say 201 upload "$USER_TOKEN" -F "attributes={\"name\":\"curl-$$.txt\",\"parent\":{\"id\":\"0\"}}" \
  -F "file=@$CONTENT" https://upload.box.com/api/2.0/files/content
say 200 representation "$read" -H 'X-Rep-Hints: [extracted_text]' "$api/files/$file?fields=representations"
grep -q '"url_template"' "$work/body"
echo "curl: info, download, create, conflict, update, invocation, delete, upload, representation"
