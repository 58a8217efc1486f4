/// Pathfinder pictures made by the rules of the original generator, but seeded.
///
///   Linsley, Kim, Veerabadran, Windolf, Serre. "Learning Long-Range Spatial Dependencies with Horizontal Gated
///   Recurrent Units." NeurIPS 2018.
#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "core/machine.h"
#include "datasets/pathfinder.h"
#include "datasets/source.h"

namespace lra {
namespace {

using pathfinder::Painter;
using pathfinder::Picture;
using pathfinder::Rules;

struct Config {
  long train = 160000, valid = 20000, test = 20000;
  long size = 32;
  std::string difficulty = "hard";
  long contour_length = -1, distractor_length = -1, distractors = -1;
  long dash_length = -1;
  double dash_thickness = -1;
  long least_margin = -1, most_margin = -1;
  double continuity = -1, contrast = -1, target_contrast = -1;
  double marker_radius = -1;
  long padding = -1, seed_distance = -1, antialias = -1;
  bool unbiased = false;
  long seed = 0;

  void fields(auto&& f) {
    f("train", train, "training pictures");
    f("valid", valid, "validation pictures");
    f("test", test, "test pictures");
    f("size", size, "height and width in pixels; those below that are -1 become what LRA has for this size");
    f("difficulty", difficulty, "easy, intermediate or hard: contours of 6, 9 or 14 dashes");
    f("contour_length", contour_length, "dashes of each of the two contours; -1: by difficulty");
    f("distractor_length", distractor_length, "dashes of a distractor; -1: a third of a contour's");
    f("distractors", distractors, "distractors tried; those that find no room are left out");
    f("dash_length", dash_length, "length of a dash");
    f("dash_thickness", dash_thickness, "thickness of a dash");
    f("least_margin", least_margin, "least free space around dashes, drawn for each picture");
    f("most_margin", most_margin, "most free space around dashes");
    f("continuity", continuity, "how much a turn counts against the next dash: larger gives straighter contours");
    f("contrast", contrast, "brightness of distractors, a marker's being 1");
    f("target_contrast", target_contrast, "brightness of the two contours as a part of the distractors'");
    f("marker_radius", marker_radius, "radius of the two markers");
    f("padding", padding, "border that contours keep clear of");
    f("seed_distance", seed_distance, "distance between the starts of the two contours");
    f("antialias", antialias, "dashes are drawn so many times larger and reduced");
    f("unbiased", unbiased, "all directions alike: without the original's habits that make the upper left brighter");
    f("seed", seed, "seed of the generator");
  }
};

Rules rules_of(const Config& config) {
  const long contour =
      config.contour_length < 0 ? pathfinder::difficulty(config.difficulty).contour_length : config.contour_length;
  Rules rules = pathfinder::lra_rules(config.size, contour);
  const auto replace = [](auto& rule, auto setting) {
    if (setting >= 0) rule = setting;
  };
  replace(rules.distractor_length, config.distractor_length);
  replace(rules.distractors, config.distractors);
  replace(rules.dash.length, config.dash_length);
  replace(rules.dash.thickness, config.dash_thickness);
  replace(rules.least_margin, config.least_margin);
  replace(rules.most_margin, config.most_margin);
  replace(rules.dash.continuity, config.continuity);
  replace(rules.contrast, config.contrast);
  replace(rules.target_contrast, config.target_contrast);
  replace(rules.marker_radius, config.marker_radius);
  replace(rules.padding, config.padding);
  replace(rules.seed_distance, config.seed_distance);
  replace(rules.dash.antialias, config.antialias);
  rules.dash.unbiased = config.unbiased;
  return rules;
}

/// Draw pictures `from` … `from + pictures.size() − 1` of a split on all usable CPUs. Each depends only on its number.
void paint(const Painter& painter, const Random& random, long from, std::vector<Picture>& pictures) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::exception_ptr> failures(std::size_t(std::min(usable_cpus(), 64L)));
  const auto work = [&](std::exception_ptr& failure) {
    try {
      for (std::size_t i = next++; i < pictures.size(); i = next++) {
        Sequence draw(random.at(0, std::uint32_t(from + long(i))));
        pictures[i] = painter.paint(draw);
      }
    } catch (...) {
      failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (std::size_t t = 1; t < failures.size(); ++t) others.emplace_back(work, std::ref(failures[t]));
    } catch (const std::system_error&) {  // no more threads can start: the existing ones do the work
    }
    work(failures[0]);
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

Corpus make(const Config& config, const std::filesystem::path&) {
  if (config.train < 1 || config.valid < 1 || config.test < 1)
    fail_usage("pathfinder_generated: every split needs an example, but {} / {} / {} are asked for", config.train,
               config.valid, config.test);
  constexpr long kAtOnce = 4096;  // bounds the memory beside the corpus
  const Painter painter(rules_of(config));
  const long wanted[] = {config.train, config.valid, config.test};
  Corpus corpus;
  std::vector<Picture> pictures;
  std::vector<std::uint16_t> tokens;
  for (std::size_t split = 0; split < corpus.splits.size(); ++split) {
    const Random random(std::uint64_t(config.seed), "pathfinder", name_of(Split(split)));
    corpus.splits[split].tokens.reserve(std::size_t(wanted[split] * config.size * config.size));
    for (long from = 0; from < wanted[split]; from += kAtOnce) {
      pictures.resize(std::size_t(std::min(kAtOnce, wanted[split] - from)));
      paint(painter, random, from, pictures);
      for (const Picture& picture : pictures) {
        tokens.assign(picture.pixels.begin(), picture.pixels.end());
        corpus.splits[split].add(tokens, picture.label);
      }
    }
  }
  return corpus;
}

const RegisterSource<Config> registered{
    "pathfinder_generated",
    {"Pathfinder pictures, generated with LRA's parameters from a seed",
     "generated here, no licence needed",
     "Linsley et al. Learning Long-Range Spatial Dependencies with Horizontal Gated Recurrent Units. NeurIPS 2018",
     1,
     {"not joined", "joined"}},
    no_inputs<Config>,
    make};

}  // namespace
}  // namespace lra
