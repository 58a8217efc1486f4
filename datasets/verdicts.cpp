#include "datasets/verdicts.h"

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace lra::verdicts {
namespace {

constexpr long kVerdict = 2;        // bytes of " B"
constexpr long kMostSubjects = 9;   // so that one digit names each
constexpr char kFirstFiller = 'n';  // earlier letters are for verdicts

/// Return `bytes` bytes of filler: words of 1 to 6 letters, each after a blank.
std::vector<std::string> words(long bytes, Sequence& draw) {
  std::vector<std::string> all;
  while (bytes > 0) {
    std::string word = " ";
    const long letters = std::min(bytes - 1, 1 + long(draw.below(6)));
    for (long i = 0; i < letters; ++i) word += char(kFirstFiller + draw.below('z' - kFirstFiller + 1));
    bytes -= long(word.size());
    all.push_back(std::move(word));
  }
  return all;
}

}  // namespace

void check(const Rules& rules, const std::string& who) {
  if (rules.subjects < 2 || rules.subjects > kMostSubjects || rules.copies < 1)
    fail_usage("{}: there must be 2 to {} subjects, each judged once or more, not {} judged {} times", who,
               kMostSubjects, rules.subjects, rules.copies);
  if (rules.length < 2 * kVerdict * rules.subjects * rules.copies)
    fail_usage("{}: verdicts fill the second half of {} bytes; make texts at least {} long", who, rules.length,
               2 * kVerdict * rules.subjects * rules.copies);
}

Text write(const Rules& rules, Sequence& draw) {
  const long asked = draw.below(std::uint32_t(rules.subjects));
  Text text{{char('1' + asked)}, false};
  const long half = rules.length / 2;
  for (const std::string& word : words(half - long(text.bytes.size()), draw)) text.bytes += word;

  std::vector<std::string> rest = words(rules.length - half - kVerdict * rules.subjects * rules.copies, draw);
  for (long subject = 0; subject < rules.subjects; ++subject) {
    const bool praised = draw.below(2) == 1;
    if (subject == asked) text.praised = praised;
    rest.insert(rest.end(), std::size_t(rules.copies), {' ', char((praised ? 'A' : 'a') + subject)});
  }
  draw.shuffle(rest);
  for (const std::string& word : rest) text.bytes += word;
  return text;
}

}  // namespace lra::verdicts
