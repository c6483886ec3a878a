#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/rest/route.h"

// From a path to a route. Not for others.
namespace helhed::gateway::rest {

// A trie of path segments. Where several templates match, a literal goes before `*`, that before `**`, from the left.
class Router {
 public:
  // Errors: FAILED_PRECONDITION that names two methods that the same request could mean. `route` must outlive the router.
  absl::Status Add(Route const& route);

  struct Found {
    // The route for the HTTP method; nullptr when the path has none for it.
    Route const* route = nullptr;
    // What the path has, sorted; empty when there is no such path.
    std::vector<std::string> allowed;
  };
  // HEAD finds the route of GET, where that is no stream.
  Found Find(std::string_view http_method, std::vector<std::string_view> const& segments) const;

 private:
  // By HTTP method.
  using Routes = std::map<std::string, Route const*, std::less<>>;
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> one;
    std::unique_ptr<Node> rest;
    // By verb; the empty one is none.
    std::map<std::string, Routes, std::less<>> ends;
  };

  static void Collect(Node const& node, std::vector<std::string_view> const& segments, std::size_t at, std::string_view verb,
                      std::vector<Routes const*>& ends);

  Node root_;
  std::vector<Route const*> all_;
};

}  // namespace helhed::gateway::rest
