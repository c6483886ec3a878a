#include "cli/importer.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <map>
#include <utility>

#include "services/platform/base/random.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::cli {
namespace {

namespace v1 = residents::v1;

// `requests[12].dwelling.kvhx_key` -> 12 and `dwelling.kvhx_key`; nullopt for other paths.
std::optional<std::pair<std::size_t, std::string>> SplitPath(std::string_view path) {
  constexpr std::string_view prefix = "requests[";
  auto const close = path.find(']');
  std::size_t row = 0;
  if (!path.starts_with(prefix) || close == std::string_view::npos) return std::nullopt;
  if (!absl::SimpleAtoi(Av(path.substr(prefix.size(), close - prefix.size())), &row)) return std::nullopt;
  auto rest = path.substr(close + 1);
  if (rest.starts_with('.')) rest.remove_prefix(1);
  return std::pair(row, std::string(rest));
}

// What a refusal is about that has no violations: only its reason tells.
std::string_view FieldOf(std::string_view reason) {
  if (reason == "ADDRESS_TAKEN") return "dwelling.address_uuid";
  if (reason == "RESOURCE_EXISTS") return "dwelling_id";
  if (reason == "RESOURCE_NOT_FOUND" || reason == "DEPARTMENT_MERGED") return "dwelling.department";
  return "";
}

}  // namespace

Importer::Importer(DwellingFile const& file, std::string_view content, ImportOptions options, Send send,
                   std::function<std::string()> fresh_id, Report report)
    : file_(file),
      content_hash_(UuidOf(content)),
      options_(std::move(options)),
      send_(std::move(send)),
      fresh_id_(std::move(fresh_id)),
      report_(std::move(report)) {}

absl::Status Importer::Run() {
  summary_.refused = file_.refused();
  auto const& rows = file_.rows();
  for (std::size_t begin = 0; begin < rows.size(); begin += options_.batch_rows) {
    auto const end = std::min(begin + options_.batch_rows, rows.size());
    Rows batch;
    for (std::size_t i = begin; i < end; ++i) batch.push_back(&rows[i]);
    RETURN_IF_ERROR(Check(std::move(batch)));
    report_.progress(Phase::kChecking, end, rows.size());
  }
  if (options_.dry_run || (summary_.refused > 0 && !options_.per_row)) return absl::OkStatus();
  summary_.stored = true;
  summary_.created = 0;
  for (std::size_t begin = 0; begin < absent_.size(); begin += options_.batch_rows) {
    auto const end = std::min(begin + options_.batch_rows, absent_.size());
    RETURN_IF_ERROR(
        Write(Rows(absent_.begin() + static_cast<std::ptrdiff_t>(begin), absent_.begin() + static_cast<std::ptrdiff_t>(end))));
    report_.progress(Phase::kWriting, end, absent_.size());
  }
  return absl::OkStatus();
}

// The id is a fresh one: what was refused yesterday may be fine today, and yesterday's answer must not come back.
absl::Status Importer::Check(Rows rows) {
  while (!rows.empty()) {
    auto const answer = SendRows(rows, /*validate_only=*/true, fresh_id_());
    if (!answer.ok()) {
      RETURN_IF_ERROR(Refuse(answer.status(), rows));
      continue;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto const& result = answer->results(static_cast<int>(i));
      if (result.outcome() == v1::BATCH_OUTCOME_REFUSED) {
        RefuseRow(*rows[i], FromProto(result.error()));
      } else if (result.outcome() == v1::BATCH_OUTCOME_UNCHANGED) {
        ++summary_.unchanged;
      } else {
        absent_.push_back(rows[i]);
        summary_.created = absent_.size();
        if (result.dwelling().has_create_time()) checked_ = result.dwelling().create_time();
      }
    }
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Importer::Write(Rows rows) {
  while (!rows.empty()) {
    auto const answer = SendRows(rows, /*validate_only=*/false, RequestId(rows));
    auto status = answer.status();
    // Should the answer be a new one after all, by a clock that is behind, then the second call finds every row there.
    if (status.ok() && IsOld(*answer)) status = SendRows(rows, /*validate_only=*/false, fresh_id_()).status();
    if (status.ok()) {
      for (auto const& result : answer->results()) {
        ++(result.outcome() == v1::BATCH_OUTCOME_UNCHANGED ? summary_.unchanged : summary_.created);
      }
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Refuse(status, rows));
    if (!options_.per_row) return absl::AbortedError("rows that were good when they were checked no longer are");
  }
  return absl::OkStatus();
}

// The answer to this request_id was given before the rows were checked and found absent: since then they were removed, so that
// the answer, though true once, would leave them out for ever.
bool Importer::IsOld(Answer const& answer) const {
  using google::protobuf::util::TimeUtil;
  if (answer.results().empty() || !answer.results(0).dwelling().has_create_time()) return false;
  return TimeUtil::TimestampToNanoseconds(answer.results(0).dwelling().create_time()) <
         TimeUtil::TimestampToNanoseconds(checked_);
}

absl::StatusOr<Importer::Answer> Importer::SendRows(Rows const& rows, bool validate_only, std::string request_id) const {
  Batch batch;
  batch.set_parent(options_.organisation);
  batch.set_atomicity(validate_only ? v1::BATCH_ATOMICITY_PER_ROW : v1::BATCH_ATOMICITY_ALL_OR_NOTHING);
  batch.set_validate_only(validate_only);
  batch.set_request_id(std::move(request_id));
  for (auto const* const row : rows) {
    auto& request = *batch.add_requests();
    if (!request.ParseFromString(row->request)) return absl::InternalError("a row cannot be read back");
    request.set_parent(options_.organisation);
  }
  // Of a whole batch this means that another caller (an import that was killed, but whose last batch was on its way) entered a
  // row after the service had looked for it. When it looks again, the row is there.
  constexpr int attempts_max = 3;
  auto answer = send_(batch);
  for (int attempt = 1; absl::IsAlreadyExists(answer.status()) && attempt < attempts_max; ++attempt) answer = send_(batch);
  if (!answer.ok() || answer->results_size() == batch.requests_size()) return answer;
  return absl::InternalError(
      absl::StrCat("the service answered ", answer->results_size(), " of ", batch.requests_size(), " rows"));
}

absl::Status Importer::Refuse(absl::Status const& status, Rows& rows) {
  std::map<std::size_t, std::vector<FieldViolation>> violations;
  for (auto const& violation : ViolationsOf(status)) {
    auto const path = SplitPath(violation.field);
    if (!path || path->first >= rows.size()) return status;
    violations[path->first].push_back({path->second, violation.description});
  }
  if (violations.empty()) return status;
  Rows good;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto const bad = violations.find(i);
    if (bad == violations.end()) {
      good.push_back(rows[i]);
    } else {
      RefuseRow(*rows[i], BadRequest(bad->second));
    }
  }
  rows = std::move(good);
  return absl::OkStatus();
}

void Importer::RefuseRow(DwellingRow const& row, absl::Status const& status) {
  ++summary_.refused;
  auto const violations = ViolationsOf(status);
  for (auto const& violation : violations) report_.fault(file_.FaultOf(row, violation.field, violation.description));
  if (!violations.empty()) return;
  auto reason = std::string(status.message());
  auto const metadata = MetadataOf(status);
  auto const other = metadata.find("resource");
  if (other != metadata.end() && reason.find(other->second) == std::string::npos)
    absl::StrAppend(&reason, " (", other->second, ")");
  report_.fault(file_.FaultOf(row, FieldOf(ReasonOf(status)), reason));
}

std::string Importer::RequestId(Rows const& rows) const {
  std::string text = absl::StrCat("helhed import dwellings\n", content_hash_, "\n", options_.organisation, "\n");
  for (auto const* const row : rows) absl::StrAppend(&text, row->line, " ", UuidOf(row->request), "\n");
  return UuidOf(text);
}

}  // namespace helhed::cli
