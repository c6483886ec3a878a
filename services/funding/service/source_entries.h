#pragma once

#include <absl/time/civil_time.h>

#include <string_view>

#include "helhed/funding/v1/ledger.pb.h"
#include "helhed/funding/v1/source.pb.h"
#include "services/funding/domain/books.h"
#include "services/funding/service/money_session.h"
#include "services/platform/pipeline/call_context.h"

// What is booked when something is done to a source as a whole.
namespace helhed::funding {

// An entry about the source, without what moves; `cause` is what is done, by name.
Draft DraftAbout(CallContext const& call, v1::EntryKind kind, absl::CivilDay date, v1::Source const& source,
                 std::string_view cause, v1::Voucher const& voucher);

// Of what was approved and not released; and of what was released and not spent. Both are then not granted any more.
Move LapseOf(MoneySession const& session, v1::Source const& source, Ore amount);
Move RepaymentOf(MoneySession const& session, v1::Source const& source, Ore amount);

}  // namespace helhed::funding
