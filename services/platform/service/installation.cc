#include "services/platform/service/installation.h"

#include <array>
#include <cstring>
#include <string>

#include "services/platform/base/random.h"
#include "services/platform/base/status.h"

namespace helhed {
namespace {

constexpr std::size_t kKeyBytes = 32;

storage::Statement const kGetKey("installation.get_key", "SELECT key FROM installation WHERE one = 1");
storage::Statement const kOfferKey("installation.offer_key",
                                   "INSERT INTO installation (one, key) VALUES (1, $1) ON CONFLICT (one) DO NOTHING");

absl::Status ReadKey(storage::ReadTransaction& tx, std::string& key) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kGetKey, {}));
  key.clear();
  if (rows.empty()) return absl::OkStatus();
  auto const bytes = rows.Blob(0, 0);
  if (bytes.size() != kKeyBytes) return absl::DataLossError("the installation's key does not have 32 bytes");
  key.assign(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  return absl::OkStatus();
}

std::array<std::byte, kKeyBytes> NewKey() {
  std::array<std::byte, kKeyBytes> key;
  SystemRandom random;
  for (std::size_t at = 0; at < key.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t const value = random.Next();
    std::memcpy(key.data() + at, &value, sizeof(value));
  }
  return key;
}

}  // namespace

absl::StatusOr<storage::TokenSealer> OpenSealer(storage::Database& database) {
  std::string key;
  RETURN_IF_ERROR(database.Read({}, [&](storage::ReadTransaction& tx) { return ReadKey(tx, key); }));
  if (key.empty()) {
    // Whoever comes first decides: the others wait for that insert, do nothing, and read what it wrote.
    auto const offer = NewKey();
    absl::Status const status = database.Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Execute(kOfferKey, {storage::Bytes(offer)}).status());
      return ReadKey(tx, key);
    });
    RETURN_IF_ERROR(status);
  }
  if (key.empty()) return absl::DataLossError("the installation's key could not be stored");
  return storage::TokenSealer(std::move(key));
}

}  // namespace helhed
