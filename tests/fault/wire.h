#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace helhed::testing {

// A TCP connection between two processes that a test can cut: a port of 127.0.0.1 whose connections are passed on to another one.
class Wire {
 public:
  enum class State {
    kPassing,
    kSilent,  // connections stay and nothing comes through, as when a network drops packets
    kCut,     // connections are closed, and new ones as soon as they are made
  };

  // Passes on to `port`, whether or not somebody listens there now.
  explicit Wire(int port);
  ~Wire();
  Wire(Wire const&) = delete;
  Wire& operator=(Wire const&) = delete;

  // Where to connect instead.
  int port() const { return port_; }

  // From any thread; takes effect within a few milliseconds.
  void Set(State state) { state_ = state; }

 private:
  // Bytes on their way in one direction.
  struct Pump {
    int from = -1;
    int to = -1;
    std::string waiting;
  };
  struct Connection {
    Pump there;
    Pump back;
    bool broken = false;
  };

  void Run();
  void Accept();
  // Moves what can be moved now.
  static void Move(Connection& connection);
  static bool MoveBytes(Pump& pump);
  void CloseAll();

  int const target_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<State> state_ = State::kPassing;
  std::atomic<bool> ending_ = false;
  std::vector<Connection> connections_;
  std::jthread thread_;  // last, so that it ends first
};

}  // namespace helhed::testing
