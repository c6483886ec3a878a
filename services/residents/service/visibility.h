#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/pipeline/call_context.h"
#include "services/platform/storage/list_query.h"

// What a caller may see in a list, by the grants that carry the list's permission.
namespace helhed::residents {

// What the grants reach within one organisation.
struct Visibility {
  bool everything = false;
  // Otherwise the last parts of the names of what is granted; what lies in a department is found by its date.
  std::vector<std::string> departments;
  std::vector<std::string> dwellings;
  std::vector<std::string> households;

  bool sees_department(std::string_view department_id) const;
  bool sees_dwelling(std::string_view dwelling_id) const;
};

// The organisation by its name.
Visibility VisibilityIn(CallContext const& call, std::string_view organisation);

// The organisations granted as a whole; `everywhere` when that is all of them.
struct VisibleOrganisations {
  bool everywhere = false;
  std::vector<std::string> organisations;
};
VisibleOrganisations OrganisationsVisible(CallContext const& call);

// Several alternatives of a condition: `(m.department IN (?, ?) OR d.dwelling IN (?))`. True for nothing when none was added.
class AnyOf {
 public:
  // `column` is a literal of the service.
  void Add(std::string_view column, std::vector<std::string> const& values);
  // The text lives in this object.
  storage::Condition condition() const;

 private:
  std::string sql_;
  std::vector<storage::Rows::Value> binds_;
};

}  // namespace helhed::residents
