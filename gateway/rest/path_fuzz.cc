#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/rest/template.h"
#include "gateway/rest/transcoder.h"

// The first line is a template, the rest a path. Whatever the bytes: parsing ends, a template that is taken matches itself where
// it has no wildcard, ambiguity goes both ways, and the contract's router answers.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::gateway::rest;
  static auto const* const transcoder = Transcoder::Make(helhed::contract::AllMethods())->release();
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const end = std::min(text.find('\n'), text.size());
  auto const path = text.substr(std::min(end + 1, text.size()));

  auto const parsed = ParseTemplate(text.substr(0, end));
  if (parsed.ok()) {
    if (!AreAmbiguous(*parsed, *parsed)) std::abort();
    if (auto const other = ParseTemplate(path); other.ok() && AreAmbiguous(*parsed, *other) != AreAmbiguous(*other, *parsed))
      std::abort();
    auto const segments = SplitPath(path);
    for (auto const& variable : parsed->variables) {
      if (!segments || segments->size() < parsed->segments.size()) break;
      auto const value = ValueOf(variable, *parsed, *segments);
      if (value && value->find('\0') != std::string::npos) std::abort();
    }
  }
  for (auto const* const method : {"GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD"}) {
    helhed::gateway::http::RequestHead head;
    head.method = method;
    head.target = path;
    auto const match = transcoder->Resolve(head);
    if (match.matched.has_value() == (match.refused.status != 200)) std::abort();
  }
  return 0;
}
