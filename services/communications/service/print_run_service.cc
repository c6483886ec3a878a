#include "services/communications/service/print_run_service.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <set>
#include <string>
#include <vector>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/delivery.h"
#include "services/communications/domain/plain_text.h"
#include "services/communications/service/campaign_store.h"
#include "services/communications/service/ledger.h"
#include "services/communications/service/names.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// $3 is a JSON array of print runs of the campaign.
Statement const kSender("communications.print_run_sender",
                        "SELECT print_run, sender FROM print_runs WHERE plan = $1 AND campaign = $2 "
                        "AND print_run IN (SELECT wanted.value FROM json_each($3) AS wanted)",
                        "SELECT print_run, sender FROM print_runs WHERE plan = $1 AND campaign = $2 "
                        "AND print_run = ANY (ARRAY(SELECT json_array_elements_text(CAST($3 AS JSON))))");
Statement const kStoreSender("communications.store_print_run_sender",
                             "UPDATE print_runs SET sender = $4 WHERE plan = $1 AND campaign = $2 AND print_run = $3");

// What is tried again is in a later print run, too: this one still holds it.
Statement const kKeepLetters("communications.keep_letters",
                             "INSERT INTO print_run_letters (plan, campaign, print_run, recipient) SELECT plan, campaign, "
                             "print_run, recipient FROM deliveries WHERE plan = $1 AND campaign = $2 AND print_run = $3");

absl::Status Complete(ReadTransaction& tx, std::vector<std::string> const& campaign, ById<v1::PrintRun> const& runs) {
  auto const ids = IdsOf(runs);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kSender, {campaign[0], campaign[1], std::string_view(ids)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> const lines = absl::StrSplit(rows.Text(i, 1), '\n', absl::SkipEmpty());
    for (auto const& line : lines) runs.at(rows.Text(i, 0))->add_sender_lines(line);
  }
  return absl::OkStatus();
}

std::string CampaignOf(v1::PrintRun const& run) { return std::string(contract::ParentOf(run.name())); }

absl::Status AppendChanged(WriteTransaction& tx, v1::PrintRun const& run) {
  v1::PrintRunChanged event;
  event.set_print_run(run.name());
  event.set_state(run.state());
  return tx.Append(event, run.name(), PlanOf(run.name()));
}

absl::Status CheckConfirmation(v1::ConfirmPrintRunRequest const& request, v1::PrintRun const& run, absl::Time now) {
  std::vector<FieldViolation> violations;
  auto const when = TimeOf(request.deliver_time());
  if (when > now) violations.push_back({"deliver_time", "must not be in the future"});
  // Distributors say days, at best minutes.
  if (DateIn(when) < DateIn(TimeOf(run.create_time()))) {
    violations.push_back({"deliver_time", "must not be before the day on which the print run was made"});
  }
  std::set<std::string> seen;
  for (int i = 0; i < request.exceptions_size(); ++i) {
    auto const& exception = request.exceptions(i);
    auto const field = absl::StrCat("exceptions[", i, "].");
    if (contract::ParentOf(exception.recipient()) != CampaignOf(run)) {
      violations.push_back({field + "recipient", "must be a recipient of the campaign"});
    }
    if (!seen.insert(exception.recipient()).second) violations.push_back({field + "recipient", "comes twice"});
    if (!IsDistributors(exception.failure()))
      violations.push_back({field + "failure", "must be one that a distributor can meet"});
  }
  return Verdict(std::move(violations));
}

// Every letter that did not arrive. BAD_REQUEST that names those that are not of the print run.
absl::Status EnterExceptions(Ledger& ledger, v1::ConfirmPrintRunRequest const& request, std::string_view print_run,
                             absl::Time now) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < request.exceptions_size(); ++i) {
    auto const& exception = request.exceptions(i);
    std::string const recipient(contract::LastPart(exception.recipient()));
    ASSIGN_OR_RETURN(auto const attempts, ledger.Attempts(recipient));
    bool const printed = std::any_of(attempts.begin(), attempts.end(), [&](Attempt const& each) {
      return each.channel == v1::CHANNEL_PAPER && each.print_run == print_run;
    });
    Happened const happened{
        .what = exception.retry() ? Happening::kFailedNow : Happening::kFailed, .at = now, .failure = exception.failure()};
    ASSIGN_OR_RETURN(bool const entered,
                     printed ? ledger.Enter(recipient, v1::CHANNEL_PAPER, happened) : absl::StatusOr<bool>(false));
    if (!entered) violations.push_back({absl::StrCat("exceptions[", i, "].recipient"), "must have a letter in the print run"});
  }
  return Verdict(std::move(violations));
}

}  // namespace

void PrintRunService::Register(Router& router) {
  constexpr std::string_view service = "helhed.communications.v1.PrintRunService";
  router.On(service, "GetPrintRun", this, &PrintRunService::GetPrintRun);
  router.On(service, "ListPrintRuns", this, &PrintRunService::ListPrintRuns);
  router.On(service, "CreatePrintRun", this, &PrintRunService::CreatePrintRun);
  router.On(service, "ConfirmPrintRun", this, &PrintRunService::ConfirmPrintRun);
  router.OnStream(service, "DownloadPrintRun", this, &PrintRunService::DownloadPrintRun,
                  v1::DownloadPrintRunResponse::default_instance());
  router.OnStream(service, "DownloadPrintRunFile", this, &PrintRunService::DownloadPrintRunFile,
                  google::api::HttpBody::default_instance());
}

absl::StatusOr<v1::PrintRun> LoadPrintRun(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto run, tx.Get<v1::PrintRun>(name));
  auto const key = KeyOf<v1::PrintRun>(name);
  RETURN_IF_ERROR(Complete(tx, key, {{key[2], &run}}));
  return run;
}

absl::StatusOr<v1::PrintRun> PrintRunService::GetPrintRun(CallContext const& call, v1::GetPrintRunRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadPrintRun(tx, request.name()); });
}

absl::StatusOr<v1::ListPrintRunsResponse> PrintRunService::ListPrintRuns(CallContext const& call,
                                                                         v1::ListPrintRunsRequest const& request) {
  auto const key = KeyOf<v1::Campaign>(request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListPrintRunsResponse> {
    ASSIGN_OR_RETURN(auto response, PageBelow<v1::ListPrintRunsResponse>(
                                        tx, request, "print_runs t", {{"t.plan = ?", {key[0]}}, {"t.campaign = ?", {key[1]}}}));
    RETURN_IF_ERROR(Complete(tx, key, ByIdOf(*response.mutable_print_runs())));
    return response;
  });
}

absl::StatusOr<v1::PrintRun> PrintRunService::CreatePrintRun(CallContext const& call, v1::CreatePrintRunRequest const& request) {
  for (auto const& line : request.print_run().sender_lines()) {
    if (!IsPlainLine(line)) return BadRequest({{"print_run.sender_lines", "must be lines without control characters"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PrintRun> {
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, request.parent()));
    if (ledger.campaign().state() != v1::CAMPAIGN_STATE_RUNNING) {
      return CampaignStateError(ledger.campaign(), "letters are printed while the campaign runs");
    }
    v1::PrintRun run = request.print_run();
    std::string const id = IdOr(call, request.print_run_id());
    run.set_name(absl::StrCat(request.parent(), "/printRuns/", id));
    run.set_state(v1::PRINT_RUN_STATE_MADE);
    ASSIGN_OR_RETURN(auto const letters, ledger.EnterPrinted(id));
    if (letters == 0) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOTHING_TO_PRINT,
                   "no letter of the campaign is waiting to be printed", {{"campaign", request.parent()}});
    }
    run.set_letter_count(letters);
    RETURN_IF_ERROR(tx.Insert(run));
    auto const key = KeyOf<v1::PrintRun>(run.name());
    auto const sender = absl::StrJoin(run.sender_lines(), "\n");
    RETURN_IF_ERROR(tx.Enqueue(kStoreSender, {key[0], key[1], key[2], std::string_view(sender)}));
    RETURN_IF_ERROR(tx.Enqueue(kKeepLetters, {key[0], key[1], key[2]}));
    RETURN_IF_ERROR(ledger.Close());
    RETURN_IF_ERROR(AppendChanged(tx, run));
    return run;
  });
}

absl::StatusOr<v1::PrintRun> PrintRunService::ConfirmPrintRun(CallContext const& call,
                                                              v1::ConfirmPrintRunRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PrintRun> {
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, contract::ParentOf(request.name())));
    ASSIGN_OR_RETURN(auto run, LoadPrintRun(tx, request.name()));
    if (run.state() == v1::PRINT_RUN_STATE_CONFIRMED) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PRINT_RUN_CONFIRMED,
                   "the distributor has already said what became of the letters", {{"print_run", request.name()}});
    }
    RETURN_IF_ERROR(CheckConfirmation(request, run, call.Now()));
    std::string const id(contract::LastPart(request.name()));
    RETURN_IF_ERROR(EnterExceptions(ledger, request, id, call.Now()));
    ASSIGN_OR_RETURN(auto const delivered, ledger.EnterDelivered(id, TimeOf(request.deliver_time())));
    run.set_state(v1::PRINT_RUN_STATE_CONFIRMED);
    run.set_delivered_count(delivered);
    run.set_exception_count(run.letter_count() - delivered);
    *run.mutable_deliver_time() = request.deliver_time();
    run.set_distributor(request.distributor());
    RETURN_IF_ERROR(tx.Update(run));
    RETURN_IF_ERROR(ledger.Close());
    RETURN_IF_ERROR(AppendChanged(tx, run));
    return run;
  });
}

}  // namespace helhed::communications
