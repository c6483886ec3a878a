#include <absl/strings/str_cat.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/rpc/status.pb.h>

#include <map>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/residents/service/dwelling_entry.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

using storage::Statement;

// The dwellings that have one of the names or one of the addresses, each with the department that it was entered in. The texts
// are complete but for the columns, which the table knows.
std::string ExistingText(storage::Engine engine, std::string const& columns, std::string_view column) {
  std::string const wanted = engine == storage::Engine::kSqlite
                                 ? "IN (SELECT value FROM json_each($2))"
                                 : "= ANY (ARRAY (SELECT json_array_elements_text(CAST($2 AS JSON))))";
  return absl::StrCat("SELECT ", columns,
                      ", m.entered_in AS department FROM dwellings d JOIN dwelling_departments m "
                      "ON m.organisation = d.organisation AND m.dwelling = d.dwelling AND m.start_date = d.period_start_date "
                      "WHERE d.organisation = $1 AND d.",
                      Av(column), " ", wanted);
}

absl::Status Exists(std::string const& name) {
  return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS,
               absl::StrCat(name, " exists already, with other content."), {{"resource", name}});
}

// A batch on its way: what each row asks for, and what becomes of it.
class Batch {
 public:
  Batch(CallContext const& call, v1::BatchCreateDwellingsRequest const& request, helhed::Store const& store)
      : call_(call),
        request_(request),
        table_(store.parts().schema->Of<v1::Dwelling>()),
        engine_(store.parts().database->engine()) {}

  // Checks each row by itself.
  absl::Status Check();
  // Checks the rows against each other and against what is stored.
  absl::Status Compare(WriteTransaction& tx);
  // The error of a batch of which all or nothing is to be stored; OK when no row is bad.
  absl::Status Verdict() const;
  // Enters the good rows that are not there yet.
  absl::Status Store(WriteTransaction& tx);
  v1::BatchCreateDwellingsResponse Response() const;

 private:
  struct Row {
    v1::Dwelling dwelling;
    Residence residence;
    v1::BatchOutcome outcome = v1::BATCH_OUTCOME_CREATED;
    // Why it is refused, and the field to blame when the error names none itself.
    absl::Status error;
    std::string field;

    bool good() const { return error.ok(); }
    void Refuse(absl::Status status, std::string_view blamed) {
      outcome = v1::BATCH_OUTCOME_REFUSED;
      error = std::move(status);
      field = blamed;
    }
  };

  absl::Status CheckRow(v1::CreateDwellingRequest const& request, Row& row) const;
  void CompareRows();
  absl::Status LoadExisting(WriteTransaction& tx);
  absl::Status LoadExisting(WriteTransaction& tx, std::string_view column, std::vector<std::string> const& wanted);
  void CompareWithExisting(Row& row, bool named, Mergers const& mergers) const;
  void PlaceRow(Row& row, std::set<std::string, std::less<>> const& departments, Mergers const& mergers) const;

  CallContext const& call_;
  v1::BatchCreateDwellingsRequest const& request_;
  storage::Table const& table_;
  storage::Engine engine_;
  std::vector<Row> rows_;
  // By name and by address, with `department` as entered.
  std::map<std::string, v1::Dwelling> existing_;
  std::map<std::string, std::string> existing_addresses_;
};

absl::Status Batch::CheckRow(v1::CreateDwellingRequest const& request, Row& row) const {
  v1::CreateDwellingRequest complete = request;
  if (complete.parent().empty()) complete.set_parent(request_.parent());
  std::vector<FieldViolation> violations = ViolationsOf(contract::Validate(complete));
  if (complete.parent() != request_.parent()) violations.push_back({"parent", "must be that of the batch, or be left out"});
  // What is not even well formed is not looked at more closely.
  if (!violations.empty()) return BadRequest(std::move(violations));
  row.dwelling = complete.dwelling();
  row.dwelling.set_name(DwellingName(contract::LastPart(request_.parent()), IdOr(call_, complete.dwelling_id())));
  CheckNewDwelling(row.dwelling, request_.parent(), "dwelling", violations);
  return helhed::Verdict(std::move(violations));
}

absl::Status Batch::Check() {
  rows_.resize(static_cast<std::size_t>(request_.requests_size()));
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    absl::Status status = CheckRow(request_.requests(static_cast<int>(i)), rows_[i]);
    if (!status.ok()) rows_[i].Refuse(std::move(status), "");
    if (i % 100 == 0) {
      RETURN_IF_ERROR(call_.Check());
    }
  }
  CompareRows();
  return absl::OkStatus();
}

// No two rows may be the same dwelling; the later one is refused.
void Batch::CompareRows() {
  std::map<std::string, std::size_t> names;
  std::map<std::string, std::size_t> addresses;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (!row.good()) continue;
    auto const refuse = [&](std::string_view field, std::size_t other) {
      row.Refuse(BadRequest({{std::string(field), absl::StrCat("must not be that of row ", other, " too")}}), "");
    };
    auto const [name, new_name] = names.emplace(row.dwelling.name(), i);
    if (!new_name) {
      refuse("dwelling_id", name->second);
      continue;
    }
    if (row.dwelling.address_uuid().empty()) continue;
    auto const [address, new_address] = addresses.emplace(row.dwelling.address_uuid(), i);
    if (!new_address) refuse("dwelling.address_uuid", address->second);
  }
}

absl::Status Batch::LoadExisting(WriteTransaction& tx, std::string_view column, std::vector<std::string> const& wanted) {
  if (wanted.empty()) return absl::OkStatus();
  Statement const statement(Statement::Dynamic{absl::StrCat("residents.existing_dwellings_by_", Av(column)),
                                               ExistingText(engine_, table_.Select("d."), column)});
  std::string const list = JsonArray(wanted);
  ASSIGN_OR_RETURN(auto const found, tx.Query(statement, {contract::LastPart(request_.parent()), std::string_view(list)}));
  for (std::size_t i = 0; i < found.size(); ++i) {
    v1::Dwelling dwelling;
    table_.Read(found, i, dwelling);
    if (!dwelling.address_uuid().empty()) existing_addresses_[dwelling.address_uuid()] = dwelling.name();
    existing_[dwelling.name()] = std::move(dwelling);
  }
  return absl::OkStatus();
}

absl::Status Batch::LoadExisting(WriteTransaction& tx) {
  std::vector<std::string> ids;
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!rows_[i].good()) continue;
    auto const& id = request_.requests(static_cast<int>(i)).dwelling_id();
    if (!id.empty()) ids.push_back(id);
    if (!rows_[i].dwelling.address_uuid().empty()) addresses.push_back(rows_[i].dwelling.address_uuid());
  }
  RETURN_IF_ERROR(LoadExisting(tx, "dwelling", ids));
  return LoadExisting(tx, "address_uuid", addresses);
}

// A row is what is there already when it says the same: under its name, or, where it leaves the name to the server, at its
// address.
void Batch::CompareWithExisting(Row& row, bool named, Mergers const& mergers) const {
  auto const owner = existing_addresses_.find(row.dwelling.address_uuid());
  auto const found = existing_.find(!named && owner != existing_addresses_.end() ? owner->second : row.dwelling.name());
  if (found != existing_.end()) {
    v1::Dwelling stored = found->second;
    if (!named) row.dwelling.set_name(stored.name());
    stored.clear_etag();
    stored.clear_create_time();
    stored.clear_update_time();
    v1::Dwelling wanted = row.dwelling;
    wanted.clear_etag();
    if (google::protobuf::util::MessageDifferencer::Equals(stored, wanted)) {
      row.outcome = v1::BATCH_OUTCOME_UNCHANGED;
      row.dwelling = found->second;
      auto const stays = mergers.Stays(stored.department(), StoredPeriod(stored.period()).start);
      row.dwelling.set_department(StayOn(stays, call_.Today()).department);
      return;
    }
    if (named) return row.Refuse(Exists(row.dwelling.name()), "dwelling_id");
  }
  if (owner != existing_addresses_.end()) {
    row.Refuse(AddressTaken(row.dwelling.address_uuid(), owner->second), "dwelling.address_uuid");
  }
}

void Batch::PlaceRow(Row& row, std::set<std::string, std::less<>> const& departments, Mergers const& mergers) const {
  if (!departments.contains(row.dwelling.department()))
    return row.Refuse(NotFound(row.dwelling.department()), "dwelling.department");
  auto residence = Place(row.dwelling, mergers);
  if (!residence.ok()) return row.Refuse(std::move(residence).status(), "dwelling.department");
  row.residence = *std::move(residence);
  row.dwelling.set_department(StayOn(row.residence.stays, call_.Today()).department);
}

absl::Status Batch::Compare(WriteTransaction& tx) {
  auto const organisation_id = contract::LastPart(request_.parent());
  RETURN_IF_ERROR(HoldMergers(tx, organisation_id));
  ASSIGN_OR_RETURN(auto const departments, LoadDepartmentNames(tx, organisation_id));
  ASSIGN_OR_RETURN(auto const known, LoadMergers(tx, organisation_id));
  Mergers const mergers(known);
  RETURN_IF_ERROR(LoadExisting(tx));
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (row.good()) CompareWithExisting(row, !request_.requests(static_cast<int>(i)).dwelling_id().empty(), mergers);
    if (row.good() && row.outcome == v1::BATCH_OUTCOME_CREATED) PlaceRow(row, departments, mergers);
  }
  return absl::OkStatus();
}

absl::Status Batch::Verdict() const {
  std::vector<FieldViolation> all;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].good()) continue;
    std::string const path = absl::StrCat("requests[", i, "].");
    auto const violations = ViolationsOf(rows_[i].error);
    for (auto const& violation : violations) all.push_back({path + violation.field, violation.description});
    if (violations.empty()) all.push_back({path + rows_[i].field, std::string(Sv(rows_[i].error.message()))});
  }
  return helhed::Verdict(std::move(all));
}

absl::Status Batch::Store(WriteTransaction& tx) {
  std::vector<v1::Dwelling> created;
  std::vector<Row*> rows;
  for (auto& row : rows_) {
    if (row.outcome != v1::BATCH_OUTCOME_CREATED) continue;
    created.push_back(row.dwelling);
    rows.push_back(&row);
  }
  if (created.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(tx.InsertMany(created));
  v1::DwellingsCreated event;
  for (std::size_t i = 0; i < created.size(); ++i) {
    RETURN_IF_ERROR(StoreStays(tx, created[i].name(), rows[i]->residence));
    *event.add_dwellings() = created[i];
    rows[i]->dwelling = std::move(created[i]);
  }
  return tx.Append(event, request_.parent());
}

v1::BatchCreateDwellingsResponse Batch::Response() const {
  v1::BatchCreateDwellingsResponse response;
  for (auto const& row : rows_) {
    auto& result = *response.add_results();
    result.set_outcome(row.outcome);
    if (row.good()) {
      *result.mutable_dwelling() = row.dwelling;
    } else {
      *result.mutable_error() = ToProto(row.error);
    }
  }
  return response;
}

}  // namespace

absl::StatusOr<v1::BatchCreateDwellingsResponse> HousingRegister::BatchCreateDwellings(
    CallContext const& call, v1::BatchCreateDwellingsRequest const& request) {
  Batch checked(call, request, store_);
  RETURN_IF_ERROR(checked.Check());
  auto result = store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::BatchCreateDwellingsResponse> {
    // A copy, because the unit may run more than once.
    Batch batch = checked;
    RETURN_IF_ERROR(batch.Compare(tx));
    if (request.atomicity() != v1::BATCH_ATOMICITY_PER_ROW) {
      RETURN_IF_ERROR(batch.Verdict());
    }
    RETURN_IF_ERROR(batch.Store(tx));
    return batch.Response();
  });
  if (!result.ok()) return ExplainTaken(std::move(result).status(), "");
  return result;
}

}  // namespace helhed::residents
