#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <thread>
#include <type_traits>
#include <utility>

// For tests: an event loop on a thread of its own.
namespace helhed::gateway::testing {

class Loop {
 public:
  Loop() : guard_(context.get_executor()), thread_([this] { context.run(); }) {}
  ~Loop() { Stop(); }
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  // Ends the thread; handlers that are left are destroyed with the loop.
  void Stop() {
    if (!thread_.joinable()) return;
    guard_.reset();
    context.stop();
    thread_.join();
  }

  // Runs `work` on the loop and returns what it returns.
  template <typename Work>
  auto Run(Work&& work) -> decltype(work()) {
    std::promise<decltype(work())> promise;
    auto future = promise.get_future();
    boost::asio::post(context, [&] {
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        promise.set_value();
      } else {
        promise.set_value(work());
      }
    });
    return future.get();
  }

  boost::asio::io_context context{1};

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace helhed::gateway::testing
