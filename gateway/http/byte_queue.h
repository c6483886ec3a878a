#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace helhed::gateway::http {

// Bytes in the order in which they came, without copying what is put in.
class ByteQueue {
 public:
  std::size_t size() const { return size_; }

  void Put(std::string bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    parts_.push_back(std::move(bytes));
  }

  // Moves at most `room` bytes to `to`; says how many.
  std::size_t Take(char* to, std::size_t room) {
    std::size_t taken = 0;
    while (taken < room && first_ < parts_.size()) {
      auto const& part = parts_[first_];
      auto const count = std::min(room - taken, part.size() - offset_);
      std::memcpy(to + taken, part.data() + offset_, count);
      taken += count;
      offset_ += count;
      if (offset_ == part.size()) Next();
    }
    size_ -= taken;
    return taken;
  }

  void Clear() { *this = ByteQueue(); }

 private:
  void Next() {
    parts_[first_] = std::string();
    offset_ = 0;
    if (++first_ == parts_.size()) {
      parts_.clear();
      first_ = 0;
    }
  }

  std::vector<std::string> parts_;
  std::size_t first_ = 0;
  std::size_t offset_ = 0;
  std::size_t size_ = 0;
};

}  // namespace helhed::gateway::http
