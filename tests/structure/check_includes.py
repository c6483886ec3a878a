#!/usr/bin/env python3
"""Reads the #include lines of the tree and holds them against the rules of the house (README.md, "The house").

  check_includes.py [ROOT]    prints every broken rule as file:line: what is wrong; exit status 1 when there are any
  check_includes.py --prove   shows for every rule that a file which breaks it is found
"""
import pathlib
import re
import sys

# What each part of the platform may include of it. Order is from the ground up; every part may include itself.
PLATFORM = {
    "base": set(),
    "contract": {"base"},
    "json": {"base", "contract"},
    "telemetry": {"base"},
    "crypto": {"base"},
    "identity": {"base", "contract"},
    "storage": {"base", "contract"},
    "pipeline": {"base", "contract", "identity", "storage", "telemetry"},
    "events": {"base", "contract", "pipeline", "storage", "telemetry"},
    "service": {"base", "contract", "events", "pipeline", "storage", "telemetry"},
    "client": {"base", "contract", "identity", "pipeline", "telemetry"},
    "consumer": {"base", "client", "contract", "events", "pipeline", "service", "storage", "telemetry"},
    "server": {"base", "client", "consumer", "contract", "crypto", "events", "identity", "pipeline", "service", "storage", "telemetry"},
}
# What the parts of a service may include of the platform, and of the service itself.
SERVICE = {
    "domain": ({"base"}, {"domain"}),
    "paper": ({"base"}, {"paper"}),
    "mail": ({"base"}, {"mail"}),
    "service": ({"base", "client", "consumer", "contract", "crypto", "events", "pipeline", "service", "storage", "telemetry"},
                {"domain", "mail", "paper", "service"}),
}
# The only places where a library may be included: everything else goes through the header that wraps it.
LIBRARIES = {
    r"sqlite3\.h": r"services/platform/(storage|testing)/",
    r"libpq-fe\.h|postgresql/.*": r"services/platform/(storage|testing)/",
    r"grpc(pp)?/.*": r"services/platform/(server|client|testing)/|tests/|gateway/",
    r"unicode/.*": r"services/platform/storage/",
    r"spdlog/.*|fmt/.*": r"services/platform/telemetry/",
    r"prometheus/.*": r"services/platform/telemetry/",
    r"libical/.*": r"services/activities/domain/",
    r"curl/.*": r"services/communications/mail/",
    r"cairo.*|pango/.*|glib.*": r"services/communications/paper/",
    r"cjose/.*": r"gateway/identity/public_key\.cc",
    r"boost/.*": r"services/platform/server/|cli/|gateway/",
}
DOMAIN_WORDS = re.compile(r"helhed/(residents|funding|activities|communications)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def faults_of(path, included):
    """The rules that `included` breaks when it stands in `path`, both as posix paths from the root."""
    is_test = path.endswith(("_test.cc", "_fuzz.cc", "_for_test.h")) or "/testing/" in path or path.startswith("tests/")
    for library, allowed in LIBRARIES.items():
        if re.fullmatch(library, included) and not re.match(allowed, path) and not is_test:
            yield f"<{included}> is only included in {allowed}"

    room = path.split("/")
    target = included.split("/")
    to_service = len(target) > 2 and target[0] == "services"
    if room[0] in ("gateway", "cli") and to_service and target[1] != "platform":
        yield f"{room[0]} knows contracts, never a service's code"
    if room[0] == "services" and room[1] != "suite" and target[0] == "gateway":
        yield "no service knows who stands before it; only services/suite puts the gateway and services together"
    if room[0] != "services" or is_test and not to_service:
        return
    if room[1] == "platform":
        if DOMAIN_WORDS.match(included) and not is_test:
            yield "the platform has no word of the domain in it"
        if to_service and target[1] != "platform":
            yield "the platform includes no service"
        part, other = room[2], target[2] if to_service and target[1] == "platform" else None
        if other and not is_test and other != part and other not in PLATFORM.get(part, set()):
            yield f"platform/{part} may not include platform/{other}"
        return
    if to_service and target[1] not in ("platform", room[1]) and room[1] != "suite":
        yield "services never include each other: they meet in the contract and in events"
    if is_test or len(room) < 4 or room[2] not in SERVICE:
        return
    part = room[2]
    platform_allowed, own_allowed = SERVICE[part]
    if to_service and target[1] == "platform" and target[2] not in platform_allowed:
        yield f"{part}/ may not include platform/{target[2]}"
    if to_service and target[1] == room[1] and len(target) > 3 and target[2] not in own_allowed:
        yield f"{part}/ may not include {target[2]}/: imports point from main to service to domain to platform/base"
    if part == "domain" and (included.endswith("base/clock.h") or included in ("chrono", "ctime", "absl/time/clock.h")):
        yield "domain/ knows no clock: the date is a parameter"


def check(root):
    found = []
    for folder in ("services", "gateway", "cli", "tests"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                for fault in faults_of(path, match.group(1)) if match else ():
                    found.append(f"{path}:{number}: {fault}")
    return found


BROKEN = [
    ("services/funding/domain/ledger.cc", "services/platform/storage/database.h"),
    ("services/funding/domain/ledger.cc", "services/platform/base/clock.h"),
    ("services/funding/domain/ledger.h", "services/funding/service/funding.h"),
    ("services/funding/service/funding.cc", "services/residents/service/register.h"),
    ("services/funding/service/funding.cc", "services/platform/server/main.h"),
    ("services/funding/service/funding.cc", "sqlite3.h"),
    ("services/funding/service/funding.cc", "grpcpp/grpcpp.h"),
    ("services/platform/base/money.h", "services/platform/storage/database.h"),
    ("services/platform/storage/table.cc", "services/platform/pipeline/router.h"),
    ("services/platform/server/main.cc", "services/residents/residents.h"),
    ("services/platform/events/event_log.cc", "helhed/residents/v1/dwelling.pb.h"),
    ("gateway/routes.cc", "services/residents/residents.h"),
    ("gateway/identity/token.cc", "cjose/cjose.h"),
    ("services/communications/service/print_runs.cc", "pango/pangocairo.h"),
    ("services/communications/paper/route.cc", "services/communications/service/print_runs.h"),
    ("cli/call.cc", "services/residents/service/register.h"),
    ("services/residents/service/register_test.cc", "services/funding/funding.h"),
    ("services/residents/main.cc", "gateway/gateway.h"),
]
FINE = [
    ("services/funding/domain/ledger.cc", "services/platform/base/status.h"),
    ("services/funding/service/funding.cc", "services/funding/domain/ledger.h"),
    ("services/funding/main.cc", "services/platform/server/main.h"),
    ("services/suite/main.cc", "services/residents/residents.h"),
    ("services/suite/main.cc", "gateway/gateway.h"),
    ("services/platform/storage/table_test.cc", "helhed/residents/v1/dwelling.pb.h"),
    ("services/platform/server/grpc_server.cc", "grpcpp/grpcpp.h"),
    ("gateway/identity/public_key.cc", "cjose/cjose.h"),
    ("services/communications/service/print_runs.cc", "services/communications/paper/print_run.h"),
    ("services/communications/paper/document.cc", "cairo-pdf.h"),
    ("services/communications/mail/smtp.cc", "curl/curl.h"),
]


def prove():
    wrong = [f"not found: {path} includes {included}" for path, included in BROKEN if not list(faults_of(path, included))]
    wrong += [f"found, but fine: {path} includes {included}" for path, included in FINE if list(faults_of(path, included))]
    return wrong


if __name__ == "__main__":
    if sys.argv[1:] == ["--prove"]:
        faults = prove()
    else:
        faults = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(faults) or "the imports keep the rules")
    sys.exit(1 if faults else 0)
