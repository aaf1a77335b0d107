#!/bin/sh
# Makes Temporal's two databases and brings their schemas up to the version of
# the tool. Where they are, it changes nothing, so it runs before every start.
set -eu
SQL_PASSWORD=$(cat /run/secrets/postgres-password)
export SQL_PASSWORD

update() { # update DATABASE FOLDER
	temporal-sql-tool --db "$1" create-database
	temporal-sql-tool --db "$1" setup-schema -v 0.0
	temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

update temporal temporal
update temporal_visibility visibility
