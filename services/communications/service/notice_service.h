#pragma once

#include <absl/status/statusor.h>

#include "helhed/communications/v1/notice_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of NoticeService, one for each method of the contract, which says what they do and refuse.
class NoticeService {
 public:
  explicit NoticeService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Notice> GetNotice(CallContext const& call, v1::GetNoticeRequest const& request);
  absl::StatusOr<v1::ListNoticesResponse> ListNotices(CallContext const& call, v1::ListNoticesRequest const& request);
  absl::StatusOr<v1::Notice> CreateNotice(CallContext const& call, v1::CreateNoticeRequest const& request);
  absl::StatusOr<v1::Notice> UpdateNotice(CallContext const& call, v1::UpdateNoticeRequest const& request);
  absl::StatusOr<v1::Notice> PublishNotice(CallContext const& call, v1::PublishNoticeRequest const& request);
  absl::StatusOr<v1::Notice> CorrectNotice(CallContext const& call, v1::CorrectNoticeRequest const& request);
  absl::StatusOr<v1::Notice> WithdrawNotice(CallContext const& call, v1::WithdrawNoticeRequest const& request);
  absl::StatusOr<v1::ListPublishedNoticesResponse> ListPublishedNotices(CallContext const& call,
                                                                        v1::ListPublishedNoticesRequest const& request);
  absl::StatusOr<v1::NoticeFeed> GetNoticeFeed(CallContext const& call, v1::GetNoticeFeedRequest const& request);
  absl::StatusOr<google::api::HttpBody> DownloadNoticeFeed(CallContext const& call, v1::DownloadNoticeFeedRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::communications
