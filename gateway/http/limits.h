#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace helhed::gateway::http {

// What one peer may cost. The defaults suit a gateway on the open network; what is beyond a limit is refused as each says.
struct Limits {
  // Open connections, of everybody together and of one address (IPv6: of one /64, which is what one subscriber has). More are
  // closed as they come.
  std::size_t connections = 16'384;
  std::size_t connections_of_address = 1'024;
  // Requests that run at a time on one HTTP/2 connection: SETTINGS_MAX_CONCURRENT_STREAMS. More are reset with REFUSED_STREAM.
  std::uint32_t streams = 128;

  // The fields of a head, each counted as its name, its value and 32 (RFC 9113, 6.5.2), and their number: 431. An HTTP/2 peer
  // that sends four times as much loses its connection.
  std::size_t header_bytes = std::size_t{16} << 10;
  std::size_t header_count = 100;
  // Path and query: 414.
  std::size_t target_bytes = std::size_t{8} << 10;
  // The body of any request: 413. The contract's limit of a method, which is lower, is for the handler.
  std::uint64_t body_bytes = std::uint64_t{16} << 20;

  // From a connection to its TLS session: closed.
  std::chrono::milliseconds handshake_time{10'000};
  // From the first byte of a head (of a new connection: from its start) to the last: 408, or closed.
  std::chrono::milliseconds head_time{10'000};
  // Between two bytes of a body that may be sent: 408, or the stream is reset.
  std::chrono::milliseconds body_time{30'000};
  // Between two bytes that the peer takes of what waits for it: the stream is reset, or the connection closed.
  std::chrono::milliseconds output_time{30'000};
  // Bytes a second, at least, of a body and of what waits for the peer, once either has taken `rate_grace`.
  std::uint64_t rate_min = 240;
  std::chrono::milliseconds rate_grace{10'000};
  // Without any request: closed, by GOAWAY on HTTP/2.
  std::chrono::milliseconds idle_time{60'000};
  // For the peer to take the last bytes and close its side, before the connection is cut.
  std::chrono::milliseconds linger_time{2'000};

  // Between saying that an HTTP/2 connection is going to end and what is served at last, unless the peer answers sooner: for
  // requests that are under way.
  std::chrono::milliseconds drain_notice{1'000};

  // What the handlers of one connection may have queued together. At half of it all of them are told to stop
  // (Exchange::queued); one that writes beyond it is reset with ENHANCE_YOUR_CALM.
  std::size_t output_bytes = std::size_t{64} << 20;
  // How much of a body may come before it is consumed: of one request, and of one HTTP/2 connection.
  std::uint32_t stream_window = 1 << 20;
  std::uint32_t connection_window = 4 << 20;

  // Frames that carry nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, tiny DATA, unknown types): so many at once and a second.
  // Useful work earns more. Beyond: GOAWAY ENHANCE_YOUR_CALM.
  double controls_burst = 1'000;
  double controls_per_second = 200;
  // Streams that the peer resets, or makes us reset: so many at once and a second. Beyond: GOAWAY ENHANCE_YOUR_CALM.
  double resets_burst = 500;
  double resets_per_second = 100;

  // How often all of these times are looked at.
  std::chrono::milliseconds tick{250};
};

}  // namespace helhed::gateway::http
