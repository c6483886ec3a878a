#include "gateway/http/exchange.h"

namespace helhed::gateway::http {

std::string_view Find(Fields const& fields, std::string_view name) {
  for (auto const& field : fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

}  // namespace helhed::gateway::http
