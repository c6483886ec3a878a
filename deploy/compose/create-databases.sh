#!/usr/bin/env bash
# Runs once, when PostgreSQL's data folder is new: a role and a database for each service, which no other service can read. Texts are
# compared byte by byte (COLLATE "C"), as the services sort them.
set -euo pipefail
for service in residents funding activities communications; do
  psql --set ON_ERROR_STOP=1 --username postgres --set "service=$service" \
    --set "password=$(cat "/run/secrets/$service-password")" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
SQL
done
