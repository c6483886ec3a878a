#include "gateway/rest/binding.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <google/api/httpbody.pb.h>
#include <google/protobuf/field_mask.pb.h>

#include <algorithm>
#include <memory>
#include <set>

#include "gateway/rest/etag.h"
#include "gateway/rest/text.h"
#include "services/platform/base/random.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/fields.h"
#include "services/platform/contract/text.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::rest {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;
using pb::Message;

constexpr std::size_t kParametersMax = 1'000;

std::string NameOf(FieldPath const& path) {
  std::string name;
  for (auto const* const field : path) absl::StrAppend(&name, name.empty() ? "" : ".", field->name());
  return name;
}

// The message that the last field of `path` is in, made where it is not there.
Message& Within(Message& message, FieldPath const& path) {
  auto* within = &message;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) within = within->GetReflection()->MutableMessage(within, path[i]);
  return *within;
}

class Binding {
 public:
  Binding(Route const& route, Matched const& matched) : route_(route), matched_(matched), request_(route.request->New()) {}

  absl::StatusOr<std::string> Run(std::string_view body) && {
    BindBody(body);
    BindPath();
    BindQuery();
    BindRequestId();
    BindIfMatch();
    BindCursor();
    BindMask();
    if (!violations_.empty()) return BadRequest(std::move(violations_));
    return request_->SerializeAsString();
  }

 private:
  void Add(std::string_view field, std::string_view description) {
    if (violations_.size() < json::kViolationsMax) violations_.push_back({std::string(field), std::string(description)});
  }

  void BindBody(std::string_view body) {
    if (body.empty()) return;
    switch (route_.body) {
      case Route::Body::kNone:
        return Add("body", "must not be there: this method takes none");
      case Route::Body::kWhole:
        return json::Read(body, *request_, "", violations_);
      case Route::Body::kField:
        if (route_.raw_body) return BindRaw(body);
        return json::Read(body, *request_->GetReflection()->MutableMessage(request_.get(), route_.body_field),
                          route_.body_field->name(), violations_, &given_);
    }
  }

  void BindRaw(std::string_view body) {
    if (!contract::CodePoints(matched_.content_type)) return Add("Content-Type", "must be a media type");
    auto* const raw = pb::DynamicCastToGenerated<google::api::HttpBody>(
        request_->GetReflection()->MutableMessage(request_.get(), route_.body_field));
    raw->set_content_type(matched_.content_type);
    raw->set_data(body.data(), body.size());
  }

  // What the path says goes before what the body says; that they differ is an error all the same.
  void BindPath() {
    for (std::size_t i = 0; i < route_.variables.size() && i < matched_.path_values.size(); ++i) {
      auto const& path = route_.variables[i];
      auto const name = NameOf(path);
      taken_.insert(name);
      auto& message = Within(*request_, path);
      auto const& field = *path.back();
      std::unique_ptr<Message> const alone(message.New());
      auto const before = violations_.size();
      json::ReadText(matched_.path_values[i].second, *alone, field, name, violations_);
      if (violations_.size() > before) continue;
      if (message.GetReflection()->HasField(message, &field) &&
          json::WriteField(message, field) != json::WriteField(*alone, field)) {
        Add(name, "must be what the path says, or be left out");
        continue;
      }
      message.GetReflection()->SwapFields(&message, alone.get(), {&field});
    }
  }

  void BindQuery() {
    auto const parts = SplitQuery(matched_.query);
    if (parts.size() > kParametersMax) return Add("query", absl::StrCat("must have at most ", kParametersMax, " parameters"));
    for (auto const& [raw_name, raw_value] : parts) {
      auto const name = Decode(raw_name, true);
      auto const value = Decode(raw_value, true);
      if (!name || json::SafeName(NameWithoutKey(*name)).empty()) {
        Add("query", absl::StrCat("has a parameter that ", route_.method->name(), " does not have"));
      } else if (!value) {
        Add(NameWithoutKey(*name), "must be percent-encoded UTF-8 without U+0000");
      } else {
        BindParameter(*name, *value);
      }
    }
  }

  // `labels[key]` -> `labels`
  static std::string_view NameWithoutKey(std::string_view name) { return name.substr(0, name.find('[')); }

  void BindParameter(std::string_view name, std::string_view value) {
    if (route_.body == Route::Body::kWhole) return Add(NameWithoutKey(name), "is no parameter: all but the path is in the body");
    FieldPath path;
    auto const plain = NameWithoutKey(name);
    auto const* level = route_.request->GetDescriptor();
    for (std::size_t begin = 0; begin <= plain.size();) {
      auto const end = std::min(plain.find('.', begin), plain.size());
      auto const* const field = level == nullptr ? nullptr : json::FindField(*level, plain.substr(begin, end - begin));
      if (field == nullptr) return Add(plain, absl::StrCat("is not a parameter of ", route_.method->name()));
      path.push_back(field);
      level = field->is_repeated() || json::IsWellKnown(field->message_type()) ? nullptr : field->message_type();
      begin = end + 1;
    }
    if (path.front() == route_.body_field) return Add(NameOf(path), "is no parameter: it is in the body");
    SetParameter(path, name.substr(plain.size()), value);
  }

  void SetParameter(FieldPath const& path, std::string_view key, std::string_view value) {
    auto const& field = *path.back();
    auto const name = NameOf(path);
    if (!Claim(name, field.is_repeated())) return;
    if (!ChooseOneofs(path, name)) return;
    auto& message = Within(*request_, path);
    if (field.is_map()) {
      bool const has_key = key.size() > 2 && key.ends_with(']');
      if (!has_key || field.message_type()->map_value()->message_type() != nullptr) {
        return Add(name, "cannot be a parameter, unless it is name[key]=value with plain values");
      }
      key = key.substr(1, key.size() - 2);
      if (!keys_.insert(absl::StrCat(name, "[", Av(key))).second) return Add(name, "has a key more than once");
      return json::ReadMapText(key, value, message, field, name, violations_);
    }
    if (!key.empty() || !json::TakesText(field))
      return Add(name, "cannot be a parameter; only its fields can, when it is one message");
    json::ReadText(value, message, field, name, violations_);
  }

  // Whether nothing else has set the field, what it is in, or what is in it.
  bool Claim(std::string const& name, bool repeated) {
    auto const below = taken_.lower_bound(name + ".");
    bool clash = below != taken_.end() && below->starts_with(name + ".");
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      clash = clash || taken_.contains(name.substr(0, dot));
    }
    bool const again = !taken_.insert(name).second && !(repeated && repeated_.contains(name));
    if (repeated) repeated_.insert(name);
    if (!clash && !again) return true;
    bool const in_path = std::any_of(matched_.path_values.begin(), matched_.path_values.end(),
                                     [&](auto const& variable) { return variable.first == name; });
    Add(name, in_path ? "is no parameter: the path says it" : "occurs more than once");
    return false;
  }

  bool ChooseOneofs(FieldPath const& path, std::string const& name) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      auto const* const oneof = path[i]->real_containing_oneof();
      if (oneof == nullptr) continue;
      auto const& message = Within(*request_, {path.begin(), path.begin() + static_cast<std::ptrdiff_t>(i) + 1});
      auto const* const chosen = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
      if (chosen == nullptr || chosen == path[i]) continue;
      Add(name, absl::StrCat("must be alone: only one of ", oneof->name(), " can be set"));
      return false;
    }
    return true;
  }

  // AIP-155's request_id in the header field of draft-ietf-httpapi-idempotency-key-header, in quotes as there or without.
  void BindRequestId() {
    std::string_view key = matched_.idempotency_key;
    if (key.empty() || route_.request_id == nullptr) return;
    if (key.size() >= 2 && key.starts_with('"') && key.ends_with('"')) key = key.substr(1, key.size() - 2);
    if (!IsUuid(key)) return Add("Idempotency-Key", "must be a UUID in its canonical lower-case form (RFC 9562)");
    auto const& reflection = *request_->GetReflection();
    auto const own = reflection.GetString(*request_, route_.request_id);
    if (!own.empty() && own != key) return Add("Idempotency-Key", "must be what request_id says, or one of them be left out");
    reflection.SetString(request_.get(), route_.request_id, std::string(key));
  }

  // A condition that is not heeded would lose somebody's change, so one that cannot be is refused.
  void BindIfMatch() {
    auto const condition = Sv(absl::StripAsciiWhitespace(matched_.if_match));
    if (condition.empty()) return;
    if (route_.etag.empty()) return Add("If-Match", "must not be there: this method takes no etag");
    // The resource must exist, which it must anyhow.
    if (condition == "*") return;
    auto const etag = EtagIn(condition);
    if (!etag) return Add("If-Match", "must be one strong entity tag (RFC 9110), or *");
    auto& message = Within(*request_, route_.etag);
    auto const own = message.GetReflection()->GetString(message, route_.etag.back());
    if (!own.empty() && own != *etag) return Add("If-Match", "must be what etag says, or one of them be left out");
    message.GetReflection()->SetString(&message, route_.etag.back(), *etag);
  }

  // A browser that connects again asks for the same URL, so what it saw last is newer than the cursor there.
  void BindCursor() {
    if (matched_.last_event_id.empty() || route_.cursor == nullptr) return;
    json::ReadText(matched_.last_event_id, *request_, *route_.cursor, "Last-Event-ID", violations_);
  }

  // AIP-134: what the body speaks of is what will be written, unless the caller says it himself.
  void BindMask() {
    if (route_.update_mask == nullptr || taken_.contains("update_mask")) return;
    auto* const mask = static_cast<pb::FieldMask*>(request_->GetReflection()->MutableMessage(request_.get(), route_.update_mask));
    for (auto& path : given_) {
      if (!IsOutput(path)) mask->add_paths(std::move(path));
    }
    if (mask->paths().empty()) request_->GetReflection()->ClearField(request_.get(), route_.update_mask);
  }

  // AIP-203: what the server says of a resource may be sent back and is passed over, so that one can send what one got.
  bool IsOutput(std::string_view path) const {
    if (path == "etag") return true;
    auto const* level = route_.body_field->message_type();
    while (level != nullptr && !path.empty()) {
      auto const dot = std::min(path.find('.'), path.size());
      auto const* const field = level->FindFieldByName(std::string(path.substr(0, dot)));
      if (field == nullptr) return false;
      if (contract::HasBehavior(*field, google::api::OUTPUT_ONLY) || contract::HasBehavior(*field, google::api::IDENTIFIER))
        return true;
      level = field->message_type();
      path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return false;
  }

  Route const& route_;
  Matched const& matched_;
  std::unique_ptr<Message> request_;
  json::Violations violations_;
  // Paths below the body's field that the body speaks of.
  std::vector<std::string> given_;
  // Fields that the path or the query has set.
  std::set<std::string> taken_;
  std::set<std::string> repeated_;
  std::set<std::string> keys_;
};

}  // namespace

absl::StatusOr<std::string> Bind(Route const& route, Matched const& matched, std::string_view body) {
  return Binding(route, matched).Run(body);
}

}  // namespace helhed::gateway::rest
