#include "services/funding/service/source_entries.h"

#include <string>

namespace helhed::funding {

Draft DraftAbout(CallContext const& call, v1::EntryKind kind, absl::CivilDay date, v1::Source const& source,
                 std::string_view cause, v1::Voucher const& voucher) {
  Draft draft;
  draft.kind = kind;
  draft.date = date;
  draft.source = source.name();
  draft.cause = std::string(cause);
  draft.voucher = voucher;
  draft.made_by = call.identity().subject();
  return draft;
}

Move LapseOf(MoneySession const& session, v1::Source const& source, Ore amount) {
  return session.MoveOf(v1::ACCOUNT_KIND_GRANTED, v1::ACCOUNT_KIND_APPROVED, amount, source.name());
}

Move RepaymentOf(MoneySession const& session, v1::Source const& source, Ore amount) {
  return session.MoveOf(v1::ACCOUNT_KIND_GRANTED, v1::ACCOUNT_KIND_RELEASED, amount, source.name());
}

}  // namespace helhed::funding
