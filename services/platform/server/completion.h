#pragma once

#include <memory>
#include <utility>

// What goes through a grpc::CompletionQueue: a queue gives back the pointer that an operation was started with.
namespace helhed::server {

class Tag {
 public:
  // `ok` as CompletionQueue::Next says it.
  virtual void Run(bool ok) = 0;

 protected:
  ~Tag() = default;
};

// The next step of a call after an operation. While the operation is under way the step keeps the call alive, so that a call
// goes when the last of its operations has been given back: AsyncNotifyWhenDone's may come before or after Finish's
// (grpc/grpc#36065).
template <typename Call>
class Step final : public Tag {
 public:
  explicit Step(void (Call::*step)(bool)) : step_(step) {}
  Step(Step const&) = delete;
  Step& operator=(Step const&) = delete;

  // The tag to start an operation with.
  Tag* Of(std::shared_ptr<Call> call) {
    call_ = std::move(call);
    return this;
  }

  // For the operation that will never be given back.
  void Forget() { call_.reset(); }

  void Run(bool ok) override {
    auto const call = std::move(call_);
    (call.get()->*step_)(ok);
  }

 private:
  void (Call::*step_)(bool);
  std::shared_ptr<Call> call_;
};

}  // namespace helhed::server
