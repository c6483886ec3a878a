#include "services/residents/service/visibility.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <bit>

#include "helhed/residents/v1/dwelling.pb.h"
#include "helhed/residents/v1/organisation.pb.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/resource_name.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

bool Contains(std::vector<std::string> const& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// `dwellings` of `organisations/9001/dwellings/a`; empty for another form.
std::string_view CollectionOf(std::string_view organisation, std::string_view scope) {
  if (!contract::Covers(organisation, scope) || scope.size() <= organisation.size()) return {};
  auto const rest = scope.substr(organisation.size() + 1);
  auto const slash = rest.find('/');
  if (slash == std::string_view::npos || rest.find('/', slash + 1) != std::string_view::npos) return {};
  return rest.substr(0, slash);
}

}  // namespace

bool Visibility::sees_department(std::string_view department_id) const {
  return everything || Contains(departments, department_id);
}
bool Visibility::sees_dwelling(std::string_view dwelling_id) const { return everything || Contains(dwellings, dwelling_id); }

Visibility VisibilityIn(CallContext const& call, std::string_view organisation) {
  Visibility visible;
  for (auto const& scope : call.scopes()) {
    if (contract::Covers(scope, organisation)) {
      visible.everything = true;
      continue;
    }
    auto const collection = CollectionOf(organisation, scope);
    auto const id = contract::LastPart(scope);
    if (collection == "departments") visible.departments.emplace_back(id);
    if (collection == "dwellings") visible.dwellings.emplace_back(id);
    if (collection == "households") visible.households.emplace_back(id);
  }
  return visible;
}

VisibleOrganisations OrganisationsVisible(CallContext const& call) {
  VisibleOrganisations visible;
  auto const* const pattern = contract::PatternOf(*v1::Organisation::descriptor());
  for (auto const& scope : call.scopes()) {
    if (scope.empty()) visible.everywhere = true;
    if (auto const values = pattern->Match(scope)) visible.organisations.push_back(values->front());
  }
  return visible;
}

void AnyOf::Add(std::string_view column, std::vector<std::string> const& values) {
  if (values.empty()) return;
  // As many places as the next power of two, the last value filling up: a caller with five departments and one with eight share a
  // statement.
  auto const places = std::bit_ceil(values.size());
  if (!sql_.empty()) sql_.pop_back();
  absl::StrAppend(&sql_, sql_.empty() ? "(" : " OR ", Av(column), " IN (?");
  for (std::size_t i = 1; i < places; ++i) sql_ += ", ?";
  sql_ += "))";
  for (std::size_t i = 0; i < places; ++i) binds_.emplace_back(values[std::min(i, values.size() - 1)]);
}

storage::Condition AnyOf::condition() const { return {sql_.empty() ? std::string_view("1 = 0") : sql_, binds_}; }

}  // namespace helhed::residents
