#pragma once

#include <absl/status/status.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/notice.pb.h"
#include "services/platform/base/status.h"

// Announcements: what may stand in them, and how programs read them.
namespace helhed::communications {

// Adds what is wrong with a notice that is to be stored: no Danish text, a language that comes twice, a picture without its
// alternative text in one of the languages, an audience whose level and places do not fit, an end that is not after the start.
void CheckNotice(v1::Notice const& notice, std::vector<FieldViolation>& violations);

// Adds what is wrong with texts: the same of them alone. `field` is `notice.texts` or the like.
void CheckNoticeTexts(google::protobuf::RepeatedPtrField<v1::NoticeText> const& texts, std::string_view field,
                      std::vector<FieldViolation>& violations);

// Leaves of the texts, and of everything that is said in languages, only those in `language`, or in Danish where there is none.
// The empty language leaves all.
void KeepLanguage(v1::Notice& notice, std::string_view language);

// An Atom feed (RFC 4287) of notices that hold one text each, the latest first. The same notices make the same bytes. A
// correction moves the entry's time of update, and stands before the text (C6).
std::string ToAtom(std::string_view plan, std::string_view language, std::span<v1::Notice const* const> notices);

}  // namespace helhed::communications
