#include <absl/strings/str_cat.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/communications/domain/campaign.h"
#include "services/communications/domain/plain_text.h"
#include "services/communications/domain/template_text.h"
#include "services/communications/paper/print_run.h"
#include "services/communications/service/campaign_start.h"
#include "services/communications/service/campaign_store.h"
#include "services/communications/service/names.h"
#include "services/communications/service/print_run_service.h"
#include "services/communications/service/template_service.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"

// The PDFs of a print run, made while they are read: what is held is a page of letters, however many there are.
namespace helhed::communications {
namespace {

using storage::Statement;

constexpr std::size_t kPartBytes = std::size_t{64} * 1024;

// LATERAL with OFFSET keeps PostgreSQL to one lookup by the key for each letter: a planner without statistics read all recipients
// of the campaign for each.
Statement const kLetters(
    "communications.print_run_letters",
    "SELECT r.recipient, r.department_organisation, r.department, r.dwelling_organisation, r.dwelling, r.stairwell, r.address, "
    "r.floor, r.door, r.department_display_name FROM print_run_letters l JOIN campaign_recipients r ON r.plan = l.plan AND "
    "r.campaign = l.campaign AND r.recipient = l.recipient WHERE l.plan = $1 AND l.campaign = $2 AND "
    "l.print_run = $3 AND l.recipient > $4 ORDER BY l.recipient LIMIT 200",
    "SELECT r.recipient, r.department_organisation, r.department, r.dwelling_organisation, r.dwelling, r.stairwell, r.address, "
    "r.floor, r.door, r.department_display_name FROM print_run_letters l CROSS JOIN LATERAL (SELECT * FROM campaign_recipients "
    "WHERE plan = $1 AND campaign = $2 AND recipient = l.recipient OFFSET 0) r WHERE l.plan = $1 AND l.campaign = $2 AND "
    "l.print_run = $3 AND l.recipient > $4 ORDER BY l.recipient LIMIT 200");

v1::Recipient RecipientOf(storage::Rows const& rows, std::size_t row) {
  v1::Recipient recipient;
  recipient.set_department(absl::StrCat("organisations/", rows.Text(row, 1), "/departments/", rows.Text(row, 2)));
  recipient.set_dwelling(absl::StrCat("organisations/", rows.Text(row, 3), "/dwellings/", rows.Text(row, 4)));
  recipient.set_stairwell(rows.Text(row, 5));
  recipient.set_address(rows.Text(row, 6));
  recipient.set_floor(rows.Text(row, 7));
  recipient.set_door(rows.Text(row, 8));
  recipient.set_department_display_name(rows.Text(row, 9));
  return recipient;
}

// `Remisevej 14, 2. th, 2300 København S`: the town on a line of its own.
std::vector<std::string> AddressLines(std::string const& address) {
  auto const comma = address.rfind(", ");
  if (comma == std::string::npos) return {address};
  return {address.substr(0, comma), address.substr(comma + 2)};
}

absl::StatusOr<paper::Body> BodyOf(v1::Campaign const& campaign, v1::TemplateVersion const& version) {
  paper::Body body;
  for (auto const& language : campaign.languages()) {
    ASSIGN_OR_RETURN(auto const rendered, RenderCampaign(campaign, version, language));
    ASSIGN_OR_RETURN(auto const paragraphs, RenderParagraphs(version, language, campaign.arguments()));
    auto& section = body.sections.emplace_back();
    section.language = language;
    section.title = rendered.subject();
    for (auto const& [heading, text] : paragraphs) section.paragraphs.push_back({text, heading});
  }
  return body;
}

std::string PartOf(std::string bytes) {
  v1::DownloadPrintRunResponse part;
  part.set_content(std::move(bytes));
  return part.SerializeAsString();
}

std::string FilePartOf(std::string bytes) {
  google::api::HttpBody part;
  part.set_content_type("application/pdf");
  part.set_data(std::move(bytes));
  return part.SerializeAsString();
}

class PrintRunStream final : public ServerStream {
 public:
  PrintRunStream(Store& store, v1::PrintRun const& run, v1::PrintRunFile file, std::string (*make_part)(std::string))
      : store_(store), key_(KeyOf<v1::PrintRun>(run.name())), file_(file), make_part_(make_part) {}

  absl::Status Begin(v1::PrintRun const& run, v1::Campaign const& campaign, paper::Body const& body) {
    paper::PrintRunOptions options;
    options.title = campaign.display_name();
    options.sender.assign(run.sender_lines().begin(), run.sender_lines().end());
    options.date = WriteDate(DateIn(TimeOf(run.create_time())), kDanish);
    options.created = TimeOf(run.create_time());
    auto const keep = [this](std::string_view bytes) {
      bytes_.append(bytes);
      return absl::OkStatus();
    };
    auto const drop = [](std::string_view /*bytes*/) { return absl::OkStatus(); };
    bool const letters = file_ == v1::PRINT_RUN_FILE_LETTERS;
    print_.emplace(std::move(options), letters ? paper::Sink(keep) : paper::Sink(drop),
                   letters ? paper::Sink(drop) : paper::Sink(keep));
    ASSIGN_OR_RETURN(body_, print_->AddBody(body, "campaign"));
    return absl::OkStatus();
  }

  absl::StatusOr<State> Next(CallContext const& call, std::vector<std::string>& out) override {
    while (!over_ && bytes_.size() < kPartBytes) {
      RETURN_IF_ERROR(call.Check());
      RETURN_IF_ERROR(PrintPage(call));
    }
    std::size_t at = 0;
    for (; bytes_.size() - at >= kPartBytes || (over_ && at < bytes_.size()); at += std::min(kPartBytes, bytes_.size() - at)) {
      out.push_back(make_part_(bytes_.substr(at, kPartBytes)));
    }
    bytes_.erase(0, at);
    return over_ ? State::kDone : State::kMore;
  }

  absl::Duration poll_after() const override { return absl::Seconds(1); }
  void Subscribe(std::function<void()> /*wake*/) override {}
  void Unsubscribe() override {}

 private:
  absl::Status PrintPage(CallContext const& call) {
    ASSIGN_OR_RETURN(auto const rows, store_.Read(call, [&](ReadTransaction& tx) {
      return tx.Query(kLetters, {key_[0], key_[1], key_[2], last_});
    }));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      last_ = rows.Text(i, 0);
      auto const recipient = RecipientOf(rows, i);
      RETURN_IF_ERROR(print_->AddLetter({.stop = StopOf(recipient),
                                         .department_name = recipient.department_display_name(),
                                         .address = AddressLines(recipient.address()),
                                         .body = body_}));
    }
    if (!rows.empty()) return absl::OkStatus();
    over_ = true;
    return print_->Finish();
  }

  Store& store_;
  std::vector<std::string> key_;
  v1::PrintRunFile file_;
  std::string (*make_part_)(std::string bytes);
  std::string bytes_;
  std::string last_;
  bool over_ = false;
  paper::BodyId body_{};
  std::optional<paper::PrintRun> print_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServerStream>> PrintRunService::DownloadPrintRun(CallContext const& call,
                                                                                v1::DownloadPrintRunRequest const& request) {
  return Print(call, request.name(), request.file(), PartOf);
}

absl::StatusOr<std::unique_ptr<ServerStream>> PrintRunService::DownloadPrintRunFile(
    CallContext const& call, v1::DownloadPrintRunFileRequest const& request) {
  return Print(call, request.name(), request.file(), FilePartOf);
}

absl::StatusOr<std::unique_ptr<ServerStream>> PrintRunService::Print(CallContext const& call, std::string const& name,
                                                                     v1::PrintRunFile file, MakePart make_part) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<std::unique_ptr<ServerStream>> {
    ASSIGN_OR_RETURN(auto const run, LoadPrintRun(tx, name));
    ASSIGN_OR_RETURN(auto const campaign, LoadCampaign(tx, contract::ParentOf(name)));
    ASSIGN_OR_RETURN(auto const version, LoadTemplateVersion(tx, campaign.template_version()));
    ASSIGN_OR_RETURN(auto const body, BodyOf(campaign, version));
    auto stream = std::make_unique<PrintRunStream>(store_, run, file, make_part);
    RETURN_IF_ERROR(stream->Begin(run, campaign, body));
    return stream;
  });
}

}  // namespace helhed::communications
