#!/bin/sh
# Makes an authority and a certificate of its: sh tests/sdk/certificate.sh FOLDER NAME...
#
# Writes FOLDER/ca.pem, which clients trust, FOLDER/certificate.pem, which is good for the names, and its
# FOLDER/key.pem.
set -eu

cd "$1"
shift
names=
for name; do names=$names${names:+,}DNS:$name; done
echo "subjectAltName=$names" >names
{
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
    -keyout ca.key -out ca.pem
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=${1#\*.}" \
    -keyout key.pem -out request.pem
  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
    -out certificate.pem
} 2>openssl || { cat openssl >&2; exit 1; }
