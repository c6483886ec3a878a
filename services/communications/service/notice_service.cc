#include "services/communications/service/notice_service.h"

#include <absl/strings/str_cat.h>

#include <set>
#include <string>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/domain/notice.h"
#include "services/communications/domain/plain_text.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/communications/service/notice_store.h"
#include "services/platform/base/hash.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"

namespace helhed::communications {
namespace {

constexpr int kFeedEntries = 100;

absl::Status RequireState(v1::Notice const& notice, v1::NoticeState state, std::string_view message) {
  if (notice.state() == state) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOTICE_STATE, message,
               {{"notice", notice.name()}, {"state", contract::EnumText(notice.state())}});
}

absl::Status Check(v1::Notice const& notice) {
  std::vector<FieldViolation> violations;
  CheckNotice(notice, violations);
  return Verdict(std::move(violations));
}

template <typename Items>
std::multiset<std::string> Languages(Items const& items) {
  std::multiset<std::string> languages;
  for (auto const& item : items) languages.insert(item.language());
  return languages;
}

// A correction says what was wrong in every language (C6), and takes no language away (C3).
absl::Status CheckCorrection(v1::CorrectNoticeRequest const& request, v1::Notice const& notice) {
  std::vector<FieldViolation> violations;
  CheckNoticeTexts(request.texts(), "texts", violations);
  auto const languages = Languages(request.texts());
  if (Languages(request.notes()) != languages) violations.push_back({"notes", "must have one in each language of `texts`"});
  for (auto const& note : request.notes()) {
    if (!IsPlainText(note.text())) violations.push_back({"notes", "must have no control characters"});
  }
  auto const former = Languages(notice.texts());
  if (!std::includes(languages.begin(), languages.end(), former.begin(), former.end())) {
    violations.push_back({"texts", "must have one in each language that the notice has"});
  }
  if (!notice.images().empty() && languages != former) {
    violations.push_back({"texts", "can have no further language, as the pictures say nothing in it"});
  }
  return Verdict(std::move(violations));
}

// What the two public methods ask for.
struct Wanted {
  std::string parent;
  std::string department;
  std::string language;
  v1::MessageKind kind = v1::MESSAGE_KIND_UNSPECIFIED;
  int page_size = 0;
  std::string page_token;
  std::string filter = {};
  std::string order_by = {};
};

// What concerns a department: what is for everyone, for the plan, for its organisation, for itself and its stairwells.
constexpr std::string_view kConcerns =
    "EXISTS (SELECT 1 FROM notice_audiences a WHERE a.plan = t.plan AND a.notice = t.notice AND "
    "(a.level IN (1, 2) OR (a.organisation = ? AND (a.level = 3 OR a.department = ?))))";

absl::StatusOr<v1::ListNoticesResponse> Published(ReadTransaction& tx, Wanted const& wanted) {
  auto const now = absl::ToUnixMicros(tx.call().Now());
  std::vector<storage::Condition> conditions = {{"t.plan = ?", {std::string(contract::LastPart(wanted.parent))}},
                                                {"t.state = 2"},
                                                {"(t.start_time IS NULL OR t.start_time <= ?)", {now}},
                                                {"(t.expire_time IS NULL OR t.expire_time > ?)", {now}}};
  if (wanted.kind != v1::MESSAGE_KIND_UNSPECIFIED) {
    conditions.push_back({"t.kind = ?", {static_cast<std::int64_t>(wanted.kind)}});
  }
  if (!wanted.department.empty()) {
    auto key = *contract::PatternOfType("helhed.dk/Department")->Match(wanted.department);
    conditions.push_back({kConcerns, {std::move(key[0]), std::move(key[1])}});
  }
  // The page token is bound to everything that was asked for, by standing in the request that it is made of.
  v1::ListNoticesRequest request;
  request.set_parent(
      absl::StrCat(wanted.parent, " ", wanted.department, " ", wanted.language, " ", static_cast<int>(wanted.kind)));
  request.set_page_size(wanted.page_size);
  request.set_page_token(wanted.page_token);
  request.set_filter(wanted.filter);
  request.set_order_by(wanted.order_by.empty() ? "publish_time desc" : wanted.order_by);
  ASSIGN_OR_RETURN(auto response, PageBelow<v1::ListNoticesResponse>(tx, request, "notices t", std::move(conditions)));
  RETURN_IF_ERROR(CompleteNotices(tx, contract::LastPart(wanted.parent), ByIdOf(*response.mutable_notices())));
  for (auto& notice : *response.mutable_notices()) KeepLanguage(notice, wanted.language);
  return response;
}

}  // namespace

void NoticeService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.communications.v1.NoticeService", method, this, handler);
  };
  on("GetNotice", &NoticeService::GetNotice);
  on("ListNotices", &NoticeService::ListNotices);
  on("CreateNotice", &NoticeService::CreateNotice);
  on("UpdateNotice", &NoticeService::UpdateNotice);
  on("PublishNotice", &NoticeService::PublishNotice);
  on("CorrectNotice", &NoticeService::CorrectNotice);
  on("WithdrawNotice", &NoticeService::WithdrawNotice);
  on("ListPublishedNotices", &NoticeService::ListPublishedNotices);
  on("GetNoticeFeed", &NoticeService::GetNoticeFeed);
  on("DownloadNoticeFeed", &NoticeService::DownloadNoticeFeed);
}

absl::StatusOr<v1::Notice> NoticeService::GetNotice(CallContext const& call, v1::GetNoticeRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadNotice(tx, request.name()); });
}

absl::StatusOr<v1::ListNoticesResponse> NoticeService::ListNotices(CallContext const& call,
                                                                   v1::ListNoticesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListNoticesResponse> {
    ASSIGN_OR_RETURN(auto response, PageOfPlan<v1::ListNoticesResponse>(tx, request, "notices t"));
    RETURN_IF_ERROR(CompleteNotices(tx, contract::LastPart(request.parent()), ByIdOf(*response.mutable_notices())));
    return response;
  });
}

absl::StatusOr<v1::Notice> NoticeService::CreateNotice(CallContext const& call, v1::CreateNoticeRequest const& request) {
  RETURN_IF_ERROR(Check(request.notice()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Notice> {
    v1::Notice notice = request.notice();
    notice.set_name(absl::StrCat(request.parent(), "/notices/", IdOr(call, request.notice_id())));
    notice.set_state(v1::NOTICE_STATE_DRAFT);
    RETURN_IF_ERROR(HoldPlanHere(tx, notice.name()));
    RETURN_IF_ERROR(tx.Insert(notice));
    RETURN_IF_ERROR(StoreNoticeParts(tx, notice));
    return notice;
  });
}

absl::StatusOr<v1::Notice> NoticeService::UpdateNotice(CallContext const& call, v1::UpdateNoticeRequest const& request) {
  auto const& given = request.notice();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Notice> {
    ASSIGN_OR_RETURN(auto notice, LoadNotice(tx, given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), notice.etag(), given.name()));
    // What people have read is not changed behind their backs (C6).
    RETURN_IF_ERROR(RequireState(notice, v1::NOTICE_STATE_DRAFT, "only a draft is updated; correct a published notice"));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, notice, "notice"));
    RETURN_IF_ERROR(Check(notice));
    RETURN_IF_ERROR(StoreNoticeParts(tx, notice));
    RETURN_IF_ERROR(SaveNotice(tx, notice));
    return notice;
  });
}

absl::StatusOr<v1::Notice> NoticeService::PublishNotice(CallContext const& call, v1::PublishNoticeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Notice> {
    ASSIGN_OR_RETURN(auto notice, LoadNotice(tx, request.name()));
    RETURN_IF_ERROR(RequireState(notice, v1::NOTICE_STATE_DRAFT, "only a draft is published"));
    notice.set_state(v1::NOTICE_STATE_PUBLISHED);
    *notice.mutable_publish_time() = Stamp(call.Now());
    RETURN_IF_ERROR(SaveNotice(tx, notice));
    return notice;
  });
}

absl::StatusOr<v1::Notice> NoticeService::CorrectNotice(CallContext const& call, v1::CorrectNoticeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Notice> {
    ASSIGN_OR_RETURN(auto notice, LoadNotice(tx, request.name()));
    RETURN_IF_ERROR(RequireState(notice, v1::NOTICE_STATE_PUBLISHED, "only a published notice is corrected; update a draft"));
    RETURN_IF_ERROR(CheckCorrection(request, notice));
    RETURN_IF_ERROR(StoreCorrection(tx, request.name(), {request.texts(), request.notes()}));
    ASSIGN_OR_RETURN(notice, LoadNotice(tx, request.name()));
    RETURN_IF_ERROR(SaveNotice(tx, notice));
    return notice;
  });
}

absl::StatusOr<v1::Notice> NoticeService::WithdrawNotice(CallContext const& call, v1::WithdrawNoticeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Notice> {
    ASSIGN_OR_RETURN(auto notice, LoadNotice(tx, request.name()));
    if (notice.state() == v1::NOTICE_STATE_WITHDRAWN) return notice;
    notice.set_state(v1::NOTICE_STATE_WITHDRAWN);
    RETURN_IF_ERROR(SaveNotice(tx, notice));
    return notice;
  });
}

absl::StatusOr<v1::ListPublishedNoticesResponse> NoticeService::ListPublishedNotices(
    CallContext const& call, v1::ListPublishedNoticesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListPublishedNoticesResponse> {
    ASSIGN_OR_RETURN(auto page, Published(tx, {.parent = request.parent(),
                                               .department = request.department(),
                                               .language = request.language(),
                                               .kind = request.kind(),
                                               .page_size = request.page_size(),
                                               .page_token = request.page_token(),
                                               .filter = request.filter(),
                                               .order_by = request.order_by()}));
    v1::ListPublishedNoticesResponse response;
    response.mutable_notices()->Swap(page.mutable_notices());
    response.set_next_page_token(page.next_page_token());
    return response;
  });
}

absl::StatusOr<v1::NoticeFeed> NoticeService::GetNoticeFeed(CallContext const& call, v1::GetNoticeFeedRequest const& request) {
  auto const language = request.language().empty() ? std::string(kDanish) : request.language();
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::NoticeFeed> {
    ASSIGN_OR_RETURN(auto const page, Published(tx, {.parent = request.parent(),
                                                     .department = request.department(),
                                                     .language = language,
                                                     .kind = request.kind(),
                                                     .page_size = kFeedEntries,
                                                     .page_token = ""}));
    std::vector<v1::Notice const*> const notices(page.notices().pointer_begin(), page.notices().pointer_end());
    v1::NoticeFeed feed;
    feed.set_content_type("application/atom+xml; charset=utf-8");
    feed.set_content(ToAtom(request.parent(), language, notices));
    feed.set_etag(Sha256Hex(feed.content()).substr(0, 32));
    feed.set_not_modified(feed.etag() == request.if_none_match());
    if (feed.not_modified()) feed.clear_content();
    return feed;
  });
}

absl::StatusOr<google::api::HttpBody> NoticeService::DownloadNoticeFeed(CallContext const& call,
                                                                        v1::DownloadNoticeFeedRequest const& request) {
  v1::GetNoticeFeedRequest of;
  of.set_parent(request.parent());
  of.set_department(request.department());
  of.set_language(request.language());
  of.set_kind(request.kind());
  ASSIGN_OR_RETURN(auto feed, GetNoticeFeed(call, of));
  google::api::HttpBody file;
  file.set_content_type(feed.content_type());
  file.set_data(std::move(*feed.mutable_content()));
  return file;
}

}  // namespace helhed::communications
