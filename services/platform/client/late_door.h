#pragma once

#include <memory>

#include "services/platform/client/channel.h"
#include "services/platform/pipeline/pipeline.h"

namespace helhed::client {

// The in-process door of a service that is made later than those that ask it: services that share a process may ask each other.
class LateDoor {
 public:
  LateDoor();
  // As Close.
  ~LateDoor();
  LateDoor(LateDoor const&) = delete;
  LateDoor& operator=(LateDoor const&) = delete;

  // A way through this door, which it may outlive. UNAVAILABLE while the door is closed.
  std::unique_ptr<Channel> Connect() const;

  // `pipeline` is asked from now on.
  void Open(Pipeline& pipeline);
  // Nobody is let in any more. Waits for calls that are under way; whoever calls without an end must have been stopped. Not from
  // within a call.
  void Close();

 private:
  class Way;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace helhed::client
