#!/usr/bin/env bash
# The copy program of the Java client, which gets the certificate and the key that PEM files hold as
# one PKCS#12 file. Usage: java_pkcs12.sh COPY_JAR DIRECTORY ARGUMENTS...
set -euo pipefail
jar=$1 directory=$2
shift 2
arguments=() certificate='' key=''
while [ $# -gt 1 ]; do
  case $1 in
    --cert-file) certificate=$2 ;;
    --key-file) key=$2 ;;
    *) arguments+=("$1" "$2") ;;
  esac
  shift 2
done
arguments+=("$@")
if [ -n "$certificate" ]; then
  umask 077
  password=$directory/password both=$directory/certificate.p12
  openssl rand -hex 16 >"$password"
  openssl pkcs12 -export -in "$certificate" -inkey "$key" -out "$both" -passout "file:$password"
  arguments+=(--pkcs12-file "$both" --pkcs12-password-file "$password")
fi
exec java -XX:TieredStopAtLevel=1 -jar "$jar" "${arguments[@]}"
