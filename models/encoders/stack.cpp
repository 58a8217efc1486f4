/// A stack of any registered mixers: hybrids are a list of names and the form of the blocks around them.
///
///   time and memory: those of the most expensive of its mixers
///   norm=after: Vaswani et al. arXiv:1706.03762, §3.1. parallel: Wang, Komatsuzaki. GPT-J-6B, 2021. tied:
///   Lan et al. arXiv:1909.11942, §3.1.
#include <algorithm>
#include <sstream>

#include "models/layers/blocks.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// A mixer of the list, "s4d" or "s4d(states=16,causal=true)".
struct Listed {
  std::string model;
  Settings settings;
};

class Stack final : public Encoder {
 public:
  struct Config {
    std::string blocks = "s4d,transformer";
    std::string norm = "before";
    std::string feed = "gelu";
    bool parallel = false, tied = false, rotary = false, causal = false;
    void fields(auto&& f) {
      f("blocks", blocks, "the mixers of the blocks in turn, with settings: s4d(states=16),linear");
      f("norm", norm, "before or after each part of a block");
      f("feed", feed, "position-wise part of a block: gelu, relu, silu, swiglu or none");
      f("parallel", parallel, "the parts of a block read the same tokens, and their results are added");
      f("tied", tied, "each mixer of the list has one set of parameters for all its blocks");
      f("rotary", rotary, "rotary positions in mixers that are attention");
      f("causal", causal, "no token sees a later one");
    }
  };

  Stack(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(with_rotary(dims, config), scope, mixers(config), feed_forward(config.feed, "stack"), form(config)) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    const std::vector<Listed> all = listed(config);
    if (long(all.size()) > dims.layers)
      return fmt::format("{} of its {} mixers", long(all.size()) - dims.layers, all.size());
    for (const Listed& each : all)
      if (std::string part = models().at(each.model).switched_off(each.settings, dims); !part.empty()) return part;
    return {};
  }

  static Exponents exponents(const Config& config, Exponents) {
    Exponents most{0, 0};
    for (const Listed& each : listed(config)) {
      const Exponents own = models().at(each.model).exponents(each.settings);
      most = {std::max(most.operations, own.operations), std::max(most.bytes, own.bytes)};
    }
    return most;
  }

 private:
  static std::vector<Listed> listed(const Config& config) {
    std::vector<Listed> all;
    std::size_t at = 0;
    while (at <= config.blocks.size()) {
      std::size_t end = std::min(config.blocks.find_first_of(",(", at), config.blocks.size());
      Listed each{config.blocks.substr(at, end - at), {}};
      if (end < config.blocks.size() && config.blocks[end] == '(') {
        const std::size_t close = config.blocks.find(')', end);
        if (close == std::string::npos) fail_usage("stack: blocks '{}' lacks a ')'", config.blocks);
        each.settings = settings_in(config.blocks.substr(end + 1, close - end - 1), each.model);
        end = close + 1;
        if (end < config.blocks.size() && config.blocks[end] != ',')
          fail_usage("stack: blocks '{}' needs a comma after ')'", config.blocks);
      }
      all.push_back(checked(std::move(each), config));
      at = end + 1;
    }
    return all;
  }

  static Settings settings_in(const std::string& text, const std::string& model) {
    Settings settings;
    std::istringstream list(text);
    for (std::string assignment; std::getline(list, assignment, ',');) {
      const std::size_t equals = assignment.find('=');
      if (equals == std::string::npos)
        fail_usage("stack: '{}' in the settings of {} is not of the form key=value", assignment, model);
      settings[assignment.substr(0, equals)] = parse_scalar(assignment.substr(equals + 1));
    }
    return settings;
  }

  static Listed checked(Listed each, const Config& config) {
    const ModelEntry& entry = models().at(each.model);
    if (!entry.mixer)
      fail_usage("stack: {} is a stack of its own, not a mixer, and cannot be one of its blocks", each.model);
    const bool has_causal = entry.facts.causal;
    if (config.causal && !has_causal) fail_usage("stack: {} has no causal form; leave causal=true out", each.model);
    if (config.causal) each.settings["causal"] = true;
    entry.resolve(each.settings);
    return each;
  }

  static LayerDims with_rotary(LayerDims dims, const Config& config) {
    dims.rotary = config.rotary;
    const std::vector<Listed> all = listed(config);
    const auto turns = [](const Listed& each) { return models().at(each.model).is_attention; };
    if (config.rotary && std::none_of(all.begin(), all.end(), turns))
      fail_usage("stack: rotary=true, but none of '{}' projects queries and keys that could be turned", config.blocks);
    return dims;
  }

  static MakeMixer mixers(const Config& config) {
    return [all = listed(config)](const LayerDims& dims, const ParameterScope& scope) {
      const Listed& own = all[std::size_t(dims.layer) % all.size()];
      return models().at(own.model).mixer(own.settings, dims, scope);
    };
  }

  static BlockForm form(const Config& config) {
    if (config.norm != "before" && config.norm != "after")
      fail_usage("stack: norm is '{}'; it must be before or after", config.norm);
    return {.norm_after = config.norm == "after",
            .parallel = config.parallel,
            .distinct = config.tied ? long(listed(config).size()) : 0};
  }

  Blocks blocks_;
};

const RegisterModel<Stack> registered{
    "stack",
    {.summary = "a list of mixers in turn, in blocks of a chosen form",
     .paper = "Vaswani et al. \"Attention Is All You Need.\" NeurIPS 2017, arXiv:1706.03762",
     .complexity = "O(N²)",
     .kind = "state-space, dense",
     .differs =
         "LRA's code does not have it, and the paper is that of its blocks. The defaults alternate s4d and the "
         "Transformer's attention; its complexity is that of the most expensive mixer of the list. Rotary positions "
         "turn queries and keys before a kernel's features.",
     .exponent = 2,
     .causal = true}};

}  // namespace
}  // namespace lra
