#include "gateway/rest/router.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>

namespace helhed::gateway::rest {

absl::Status Router::Add(Route const& route) {
  for (auto const* const other : all_) {
    if (other->http_method == route.http_method && other->path.verb == route.path.verb && AreAmbiguous(other->path, route.path)) {
      return absl::FailedPreconditionError(absl::StrCat("a ", route.http_method, " could mean ", other->method->path(),
                                                        " as well as ", route.method->path(), ": their paths are ambiguous"));
    }
  }
  all_.push_back(&route);
  auto* node = &root_;
  for (auto const& segment : route.path.segments) {
    auto& next = segment.kind == Segment::Kind::kLiteral ? node->literals[segment.text]
                 : segment.kind == Segment::Kind::kOne   ? node->one
                                                         : node->rest;
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  node->ends[route.path.verb][route.http_method] = &route;
  return absl::OkStatus();
}

void Router::Collect(Node const& node, std::vector<std::string_view> const& segments, std::size_t at, std::string_view verb,
                     std::vector<Routes const*>& ends) {
  auto const end_at = [&](Node const& last) {
    auto const found = last.ends.find(verb);
    if (found != last.ends.end()) ends.push_back(&found->second);
  };
  if (at == segments.size()) {
    end_at(node);
  } else if (!segments[at].empty()) {
    auto const literal = node.literals.find(segments[at]);
    if (literal != node.literals.end()) Collect(*literal->second, segments, at + 1, verb, ends);
    if (node.one != nullptr) Collect(*node.one, segments, at + 1, verb, ends);
  }
  if (node.rest == nullptr) return;
  // An empty segment is no name: `//` and a `/` at the end are other paths than those without.
  auto const empty = [](std::string_view segment) { return segment.empty(); };
  if (std::none_of(segments.begin() + static_cast<std::ptrdiff_t>(at), segments.end(), empty)) end_at(*node.rest);
}

Router::Found Router::Find(std::string_view http_method, std::vector<std::string_view> const& segments) const {
  std::vector<Routes const*> ends;
  // A verb is one only where it is registered; a colon is otherwise a character like others.
  auto const colon = segments.empty() ? std::string_view::npos : segments.back().rfind(':');
  if (colon != std::string_view::npos && colon + 1 < segments.back().size()) {
    auto split = segments;
    split.back() = segments.back().substr(0, colon);
    Collect(root_, split, 0, segments.back().substr(colon + 1), ends);
  }
  if (ends.empty()) Collect(root_, segments, 0, "", ends);

  Found found;
  std::set<std::string> allowed;
  for (auto const* const routes : ends) {
    for (auto const& [name, route] : *routes) {
      allowed.insert(name);
      bool const has_head = name == "GET" && !route->is_stream();
      if (has_head) allowed.insert("HEAD");
      if (found.route == nullptr && (name == http_method || (has_head && http_method == "HEAD"))) found.route = route;
    }
  }
  if (!allowed.empty()) allowed.insert("OPTIONS");
  found.allowed.assign(allowed.begin(), allowed.end());
  return found;
}

}  // namespace helhed::gateway::rest
