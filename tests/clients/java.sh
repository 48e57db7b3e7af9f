#!/usr/bin/env bash
# Builds and tests the Java client, and drives its copy program through the scenarios.
# Usage: java.sh HARNESS...
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
built=$CLIENT_TOOLS/java
mkdir -p "$built"

cd "$root/clients/java"
mvn --batch-mode --quiet -Dstyle.color=never package
"$root/tests/clients/java_versions.py" client/target/*.jar copy/target/copy.jar copy/target/lib/*.jar

cd "$root"
"$CLIENT_TOOLS/python/bin/python" tests/clients/readme.py "$TIDU" java
copy=$root/clients/java/copy/target/copy.jar
"$@" --name java -- java -XX:TieredStopAtLevel=1 -jar "$copy"
# The same certificates once more, as PKCS#12.
rm -f "$built/certificate.p12"
"$@" --name java-pkcs12 --only 'over tls' -- tests/clients/java_pkcs12.sh "$copy" "$built"
test -s "$built/certificate.p12"
