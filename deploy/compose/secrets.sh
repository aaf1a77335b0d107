#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, each a file below secrets/
# beside this script. What exists stays as it is, so it may be run again.
#
# Only you can enter the folder. The files in it can be read by all, since each
# container reads them as a user of its own.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets
cd secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

make() { # make FILE: from standard input, unless it is there
	if [ -e "$1" ]; then
		return
	fi
	cat >"$1"
	chmod 0444 "$1"
	echo "made $(pwd)/$1"
}

random | make postgres-password
random | make s3-access-key
random | make s3-secret-key
make aws-credentials <<END
[default]
aws_access_key_id = $(cat s3-access-key)
aws_secret_access_key = $(cat s3-secret-key)
END
# A key for OpenAI's clients, and its hash, which is all that the gateway is
# given. More keys: nightshift serve key --tenant NAME --keys secrets/gateway-keys
{ printf nsk-; random; } | make gateway-key
make gateway-keys <<END
keys:
  - {tenant: default, name: made by secrets.sh, sha256: $(printf %s "$(cat gateway-key)" | sha256sum | cut -d ' ' -f 1)}
END
# Of the providers that you use, put the token in. The simulated cloud takes any.
for provider in nebius together lyceum static; do
	echo unset | make "$provider-api-key"
done
