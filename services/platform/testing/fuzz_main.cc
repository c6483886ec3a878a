// A main for a fuzz target where libFuzzer is not: feeds it every input of a corpus as it is, then inputs made from those by
// small random changes. It learns nothing from coverage, so it finds less than the fuzz preset does; but it needs no second
// compiler, and the same seed gives the same inputs.
//   TARGET CORPUS [RUNS [SEED]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

constexpr std::size_t kLongest = 4096;

using Corpus = std::vector<std::string>;

Corpus Read(std::filesystem::path const& folder) {
  Corpus corpus;
  for (auto const& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    std::ifstream stream(file.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  // The order of a folder is not the same everywhere.
  std::sort(corpus.begin(), corpus.end());
  return corpus;
}

class Mutator {
 public:
  Mutator(Corpus const& corpus, std::uint64_t seed) : corpus_(corpus), random_(seed) {}

  std::string Next() {
    auto text = corpus_[Below(corpus_.size())];
    for (auto changes = 1 + Below(6); changes > 0; --changes) Change(text);
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  std::size_t Below(std::size_t bound) { return random_() % bound; }

  void Change(std::string& text) {
    auto const at = Below(text.size() + 1);
    auto const length = Below(text.size() - at + 1);
    switch (Below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << Below(8)));
        return;
      case 1:
        text.insert(at, 1, static_cast<char>(Below(256)));
        return;
      case 2:
        text.erase(at, length);
        return;
      case 3:
        text.insert(at, text.substr(at, length));
        return;
      case 4:
        text.insert(at, 1 + Below(64), "0\0/%\"{:\xff"[Below(8)]);
        return;
      default: {
        auto const& other = corpus_[Below(corpus_.size())];
        text.replace(at, length, other.substr(Below(other.size() + 1)));
      }
    }
  }

  Corpus const& corpus_;
  std::mt19937_64 random_;
};

void Try(std::string const& input) {
  // A copy of exactly this size, so that a read past the end is seen.
  std::vector<std::uint8_t> const bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS [RUNS [SEED]]\n", argv[0]);
    return 2;
  }
  auto const corpus = Read(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no input\n", argv[1]);
    return 2;
  }
  auto const runs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2000;
  auto const seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  for (auto const& input : corpus) Try(input);
  Mutator mutator(corpus, seed);
  for (std::uint64_t run = 0; run < runs; ++run) Try(mutator.Next());
  std::printf("%zu inputs of the corpus, %llu made from them with seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}
