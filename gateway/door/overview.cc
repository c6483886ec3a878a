#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <boost/asio/post.hpp>
#include <google/api/annotations.pb.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "gateway/door/catalogue.h"
#include "gateway/door/collect.h"
#include "gateway/door/own_calls.h"
#include "helhed/gateway/v1/overview_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"

namespace helhed::gateway::door {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kPageSize = 50;
constexpr std::size_t kDepartmentsMax = 100;
constexpr std::string_view kOverview = "/overview";
constexpr std::string_view kPlan = "plan";
constexpr std::string_view kDepartments = "departments";
constexpr std::string_view kDepartmentType = "helhed.dk/Department";
// What is kept of the time for making the answer of what has come.
constexpr absl::Duration kMarginMost = absl::Milliseconds(200);

std::unique_ptr<Message> New(google::protobuf::Descriptor const& type) {
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

// What a method shows of a plan: `plan` for the plan itself, the collection's name for a list below it, and nothing for others.
std::optional<std::string> PartOf(contract::Method const& method) {
  auto const& policy = method.policy();
  if (!method.is_read() || method.is_server_stream() || policy.scope() != policy::v1::SCOPE_RESOURCE) return std::nullopt;
  auto const& path = method.descriptor().options().GetExtension(google::api::http).get();
  if (path == "/v1/{name=plans/*}") return std::string(kPlan);
  constexpr std::string_view below = "/v1/{parent=plans/*}/";
  if (!path.starts_with(below) || !method.name().starts_with("List")) return std::nullopt;
  auto const collection = path.substr(below.size());
  return collection.find_first_of("/:{") == std::string::npos ? std::optional(collection) : std::nullopt;
}

std::string RequestFor(contract::Method const& method, std::string const& field_name, std::string const& resource) {
  auto const request = New(*method.descriptor().input_type());
  auto const* const reflection = request->GetReflection();
  auto const* const field = request->GetDescriptor()->FindFieldByName(field_name);
  if (field != nullptr) reflection->SetString(request.get(), field, resource);
  if (auto const* const size = request->GetDescriptor()->FindFieldByName("page_size"); size != nullptr) {
    reflection->SetInt32(request.get(), size, kPageSize);
  }
  return request->SerializeAsString();
}

// The names of resources of a type that a message refers to, at any depth.
void FindReferences(Message const& message, std::string_view type, std::set<std::string>& names) {
  auto const* const reflection = message.GetReflection();
  std::vector<FieldDescriptor const*> fields;
  reflection->ListFields(message, &fields);
  for (auto const* const field : fields) {
    int const count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        FindReferences(
            field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i) : reflection->GetMessage(message, field),
            type, names);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
                 field->options().GetExtension(google::api::resource_reference).type() == type) {
        names.insert(field->is_repeated() ? reflection->GetRepeatedString(message, field, i)
                                          : reflection->GetString(message, field));
      }
    }
  }
}

// GetPlanOverview: all parts at once, then the departments that one of them names.
class PlanOverviewCall final : public upstream::Running {
 public:
  PlanOverviewCall(OwnDesk& desk, OwnCall call, helhed::identity::Roles const& roles, common::v1::Identity identity)
      : desk_(desk), call_(std::move(call)), roles_(roles), identity_(std::move(identity)) {
    auto const& name = static_cast<v1::GetPlanOverviewRequest const&>(*call_.request).name();
    plan_ = name.substr(0, name.size() - kOverview.size());
    auto const now = desk_.clock.Now();
    deadline_ = call_.call.deadline;
    // So that what has come can be shown, the services get a little less time than there is.
    if (deadline_ != absl::InfiniteFuture()) deadline_ -= std::min((deadline_ - now) / 10, kMarginMost);
  }

  void Begin() {
    for (auto const* const method : contract::AllMethods()) {
      auto part = PartOf(*method);
      if (!part || !desk_.upstreams.contains(ServiceOf(*method)) || !MayAsk(*method)) continue;
      bool const plan = *part == kPlan;
      Ask(*method, *std::move(part), plan ? "name" : "parent", plan_);
    }
    if (open_ > 0) return;
    boost::asio::post(desk_.loop, [this, alive = std::weak_ptr(alive_)] {
      if (alive.lock() != nullptr) Answer();
    });
  }
  void Consume(std::size_t) override {}

 private:
  struct Question {
    contract::Method const* method = nullptr;
    std::string part;
    Collect answer;
    absl::Status status;
    std::unique_ptr<Message> content;
  };

  bool MayAsk(contract::Method const& method) const { return !roles_.Scopes(identity_, method.policy().permission()).empty(); }

  void Ask(contract::Method const& method, std::string part, std::string const& field, std::string const& resource) {
    questions_.push_back(std::make_unique<Question>());
    auto& question = *questions_.back();
    question.method = &method;
    question.part = std::move(part);
    upstream::Call call;
    call.method = &method;
    call.request = RequestFor(method, field, resource);
    call.identity = call_.call.identity;
    call.traceparent = call_.call.traceparent;
    call.request_id = call_.call.request_id;
    call.deadline = deadline_;
    ++open_;
    question.answer.Begin(
        *desk_.upstreams.find(ServiceOf(method))->second, std::move(call),
        [this, &question](absl::Status status, std::string const& message) { Took(question, std::move(status), message); });
  }

  void Took(Question& question, absl::Status status, std::string const& message) {
    question.status = std::move(status);
    if (question.status.ok()) {
      question.content = New(*question.method->descriptor().output_type());
      if (!question.content->ParseFromString(message)) question.status = absl::InternalError("not the method's answer");
    }
    if (--open_ > 0) return;
    if (!std::exchange(asked_departments_, true)) AskDepartments();
    if (open_ == 0) Answer();
  }

  void AskDepartments() {
    std::set<std::string> names;
    for (auto const& question : questions_) {
      if (question->content != nullptr) FindReferences(*question->content, kDepartmentType, names);
    }
    auto const* const method = contract::FindMethod("/helhed.residents.v1.HousingRegisterService/GetDepartment");
    if (method == nullptr || !desk_.upstreams.contains(ServiceOf(*method)) || !MayAsk(*method)) return;
    std::size_t count = 0;
    for (auto const& name : names) {
      if (++count > kDepartmentsMax) return;
      Ask(*method, std::string(kDepartments), "name", name);
    }
  }

  void Answer() {
    v1::PlanOverview overview;
    overview.set_name(absl::StrCat(plan_, Av(kOverview)));
    auto const now = desk_.clock.Now();
    overview.mutable_read_time()->set_seconds(absl::ToUnixSeconds(now));
    std::stable_sort(questions_.begin(), questions_.end(), [](auto const& a, auto const& b) {
      return std::pair(ServiceOf(*a->method), a->part) < std::pair(ServiceOf(*b->method), b->part);
    });
    for (auto const& question : questions_) {
      if (question->part == kPlan && question->status.code() == absl::StatusCode::kNotFound) {
        return call_.receiver->OnEnd({NotFound(plan_), ""});
      }
      AddTo(overview, *question);
    }
    call_.receiver->OnMessage(overview.SerializeAsString());
    call_.receiver->OnEnd({absl::OkStatus(), ""});
  }

  static void AddTo(v1::PlanOverview& overview, Question const& question) {
    auto const service = ServiceOf(*question.method);
    if (question.content != nullptr && question.status.ok()) {
      auto const is_next = overview.parts().empty() || overview.parts().rbegin()->part() != question.part ||
                           overview.parts().rbegin()->service() != service;
      auto& part = is_next ? *overview.add_parts() : *overview.mutable_parts()->rbegin();
      part.set_part(question.part);
      part.set_service(service);
      part.add_contents()->PackFrom(*question.content);
      return;
    }
    // What the caller may not see is not missing.
    if (question.status.code() == absl::StatusCode::kPermissionDenied || question.status.code() == absl::StatusCode::kNotFound)
      return;
    bool const is_known = std::any_of(overview.missing().begin(), overview.missing().end(), [&](auto const& missing) {
      return missing.part() == question.part && missing.service() == service;
    });
    if (is_known) return;
    auto& missing = *overview.add_missing();
    missing.set_part(question.part);
    missing.set_service(service);
    missing.set_code(absl::StatusCodeToString(question.status.code()));
  }

  OwnDesk& desk_;
  OwnCall call_;
  helhed::identity::Roles const& roles_;
  common::v1::Identity const identity_;
  std::string plan_;
  absl::Time deadline_;
  std::vector<std::unique_ptr<Question>> questions_;
  int open_ = 0;
  bool asked_departments_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<upstream::Running> GetPlanOverview(OwnDesk& desk, OwnCall call, helhed::identity::Roles const& roles,
                                                   common::v1::Identity identity) {
  auto overview = std::make_unique<PlanOverviewCall>(desk, std::move(call), roles, std::move(identity));
  overview->Begin();
  return overview;
}

}  // namespace helhed::gateway::door
