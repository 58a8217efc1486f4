#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>

#include "core/file.h"
#include "results/store/database_file.h"
#include "results/tables/document.h"
#include "results/tables/labels.h"
#include "results/tables/model_comparison.h"
#include "results/tables/row.h"
#include "results/tables/text_table.h"
#include "results/tables/versions.h"
#include "tasks/preset.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"
#include "tools/lra/report_request.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct CompareOptions {
  std::string first, second, preset, tasks, database = kDefaultDatabase;
  bool json = false;
};

enum class SideKind { model, run, database, version };

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 18 && text.find_first_not_of("0123456789") == std::string::npos;
}

SideKind side_kind(const std::string& text) {
  if (text.size() > 1 && text.front() == '@') return SideKind::version;
  if (is_number(text)) return SideKind::run;
  return is_file(text) ? SideKind::database : SideKind::model;
}

/// Whether the name looks like a file; no model has such a name.
bool is_meant_as_file(const std::filesystem::path& name) {
  return name.has_parent_path() || name.extension() == ".db" || name.extension() == ".sqlite";
}

/// A database and its contents, from which sides borrow their runs.
struct Source {
  explicit Source(const std::string& path)
      : store(open_database(path)),
        runs(store.runs()),
        correct_examples(store.correct_examples()),
        environments(store.environments()) {
    if (runs.empty()) fail_usage("{} has no finished run; `lra run` adds some", path);
  }
  Store store;
  std::vector<StoredRun> runs;
  std::map<long, CorrectExamples> correct_examples;
  std::map<long, Environment> environments;
};

bool is_asked_for(const StoredRun& run, const CompareOptions& options, const std::vector<std::string>& tasks) {
  return (options.preset.empty() || run.preset == options.preset) &&
         (tasks.empty() ||
          std::any_of(tasks.begin(), tasks.end(), [&](const std::string& task) { return is_on_task(run, task); }));
}

bool belongs(const StoredRun& run, const std::string& name, SideKind kind, const Source& source) {
  switch (kind) {
    case SideKind::model:
      return row_label(run) == name;
    case SideKind::run:
      return run.id == std::stol(name);
    case SideKind::version:
      return source.environments.at(run.environment).code_version == name.substr(1);
    case SideKind::database:
      return true;
  }
  return false;
}

/// The known names of this kind, to suggest the nearest.
std::vector<std::string> known_names(const Source& source, SideKind kind) {
  std::vector<std::string> names;
  const auto add = [&names](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  };
  for (const StoredRun& run : source.runs) {
    if (kind == SideKind::version) add("@" + source.environments.at(run.environment).code_version);
    if (kind == SideKind::model) add(row_label(run));
  }
  return names;
}

/// The tasks that --tasks selects among those of either side.
std::vector<std::string> wanted_tasks(const CompareOptions& options, const Source& source, const Source& opposite) {
  if (!options.preset.empty()) check_name("preset", options.preset, preset_names());
  if (options.tasks.empty()) return {};
  std::vector<StoredRun> runs = source.runs;
  runs.insert(runs.end(), opposite.runs.begin(), opposite.runs.end());
  return select_stored_tasks(options.tasks, runs);
}

Side side_of(const std::string& name, SideKind kind, const Source& source, const CompareOptions& options,
             const std::vector<std::string>& tasks) {
  Side side{name, {}, &source.correct_examples, &source.environments};
  bool known = false;
  for (const StoredRun& run : source.runs) {
    if (!belongs(run, name, kind, source)) continue;
    known = true;
    if (is_asked_for(run, options, tasks)) side.runs.push_back(&run);
  }
  const std::string file = source.store.path().string();
  if (!known && kind == SideKind::run)
    fail_usage("{} has no finished run {}; `{}` shows all runs", file, name, command_on(file, "runs list"));
  if (!known) fail_usage("{} has no run of '{}'{}", file, name, suggestion(name, known_names(source, kind)));
  if (side.runs.empty()) fail_usage("{} has no run of '{}' that matches --tasks and --preset", file, name);
  return side;
}

Json comparison_json(const ModelComparison& comparison, const TaskComparison& task) {
  const PairedComparison& c = task.comparison;
  const auto number = [](double v) { return std::isnan(v) ? Json() : Json(v); };
  return {{"schema_version", kJsonVersion},
          {"label", task.label},
          {"preset", task.preset},
          {"variant", task.variant},
          {"first", comparison.first},
          {"second", comparison.second},
          {"seeds", c.seeds},
          {"first_accuracy", c.seeds.empty() ? Json() : Json(c.first_mean)},
          {"second_accuracy", c.seeds.empty() ? Json() : Json(c.second_mean)},
          {"only_first", c.only_first},
          {"only_second", c.only_second},
          {"difference", c.seeds.empty() ? Json() : Json(c.difference)},
          {"differences", c.differences},
          {"interval", c.interval_kind.empty() ? Json() : Json{c.interval.low, c.interval.high}},
          {"interval_kind", c.interval_kind},
          {"method", c.method},
          {"p", number(c.p)},
          {"p_holm", number(c.adjusted)},
          {"significant", c.significant()},
          {"networks_p", c.network_p},
          {"same_bits", task.same_bits},
          {"several_levels", task.several_levels}};
}

/// One sentence for each part of a side that the difference leaves out.
std::vector<std::string> left_out(const ModelComparison& comparison) {
  std::vector<std::string> lines;
  for (const TaskComparison& task : comparison.tasks) {
    const std::string where = comparison.tasks.size() == 1 ? "" : fmt::format("{}: ", task.name());
    const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& seeds, long others) {
      const bool one = seeds.size() == 1;
      if (!seeds.empty())
        lines.push_back(fmt::format("{}{} of {} {} no partner and {} left out: {}", where,
                                    plural(long(seeds.size()), "seed"), name, one ? "has" : "have", one ? "is" : "are",
                                    fmt::join(seeds, ", ")));
      if (others > 0)
        lines.push_back(fmt::format("{}{} of {} {} left out: another configuration or revision", where,
                                    plural(others, "run"), name, others == 1 ? "is" : "are"));
    };
    add(comparison.first, task.comparison.only_first, task.other_first);
    add(comparison.second, task.comparison.only_second, task.other_second);
    const std::uint64_t a = task.first.front()->seed, b = task.second.front()->seed;
    if (task.first.size() == 1 && task.second.size() == 1 && a != b)
      lines.push_back(fmt::format("{}one network each, with different seeds: {} and {}", where, a, b));
  }
  return lines;
}

std::string verdict(const ModelComparison& comparison) {
  if (comparison.second_is_worse())
    return fmt::format("{} is significantly worse than {}.", comparison.second, comparison.first);
  if (comparison.second_is_better())
    return fmt::format("{} is significantly better than {}.", comparison.second, comparison.first);
  if (comparison.evidence.comparisons == 0)
    return "Both sides are the same: every trained network is identical to its partner.";
  return "No difference is significant.";
}

void print_comparison(const ModelComparison& comparison) {
  TextTable table{{"task", comparison.first, comparison.second, "difference", "95 % interval", "these models: p (Holm)",
                   "these networks: p", "seeds", "equal bits"},
                  {}};
  for (const TaskComparison& task : comparison.tasks) {
    const PairedComparison& c = task.comparison;
    const bool any = !c.seeds.empty(), paired = c.seeds.size() > 1;
    table.rows.push_back(
        {task.name(), or_dash(any, percent(c.first_mean)), or_dash(any, percent(c.second_mean)),
         or_dash(any, points(c.difference)),
         paired ? fmt::format("[{}, {}] {}", points(c.interval.low), points(c.interval.high), c.interval_kind) : "–",
         paired ? fmt::format("{} ({}){}", p_value(c.adjusted), c.method, c.significant() ? " *" : "") : "–",
         c.network_p.empty() ? "–" : fmt::format("{} (seed {})", p_value(c.network_p.front()), c.seeds.front()),
         std::to_string(c.seeds.size()), fmt::format("{} of {}", task.same_bits, c.seeds.size())});
  }
  std::cout << "Test accuracy in %, over the common seeds; the difference is " << comparison.first << " minus "
            << comparison.second << ".\n\n"
            << table << '\n';
  for (const std::string& line : left_out(comparison)) std::cout << line << '\n';
  if (const std::string note = levels_note(comparison.levels()); !note.empty()) std::cout << note << '\n';
  if (const std::string caveat = seeds_caveat(comparison.evidence); !caveat.empty()) std::cout << caveat << '\n';
  std::cout << verdict(comparison) << '\n';
}

int compare(const CompareOptions& options) {
  const SideKind first = side_kind(options.first), second = side_kind(options.second);
  const bool databases = first == SideKind::database;
  for (const auto& [name, kind] : {std::pair(options.first, first), {options.second, second}})
    if (kind == SideKind::model && is_meant_as_file(name)) fail_data("there is no database {}", name);
  if (databases != (second == SideKind::database) || (first == SideKind::version) != (second == SideKind::version))
    fail_usage("'{}' and '{}' are not of one kind; compare two models, two runs, two database files or two @versions",
               options.first, options.second);
  const Source source(databases ? options.first : options.database);
  std::optional<Source> other;
  if (databases) other.emplace(options.second);
  const Source& opposite = other ? *other : source;
  const auto tasks = wanted_tasks(options, source, opposite);
  const ModelComparison result = compare_sides(
      side_of(options.first, first, source, options, tasks), side_of(options.second, second, opposite, options, tasks),
      databases || first == SideKind::version, report_request("all", options.preset));
  if (options.json) {
    Json all = Json::array();
    for (const TaskComparison& task : result.tasks) all.push_back(comparison_json(result, task));
    std::cout << all.dump(2) << '\n';
  } else {
    print_comparison(result);
  }
  return result.second_is_worse() ? int(Kind::failed) : 0;
}

}  // namespace

void add_compare(const Command& program, int& exit_code) {
  Command command = program.add_subcommand(
      "compare", "Test whether B differs from A; exit code 1 when B is significantly worse on some task");
  const auto options = std::make_shared<CompareOptions>();
  command.add_option("A", options->first, "a model, a run's id, a database file, or @VERSION of the code").required();
  command.add_option("B", options->second, "what to compare with A, of the same kind").required();
  command.add_option("--tasks", options->tasks, "only these tasks, separated by commas");
  command.add_option("--preset", options->preset, "only runs with this preset");
  add_database_option(command, options->database);
  command.add_flag("--json", options->json, "print one JSON object per task");
  command.callback([options, &exit_code] { exit_code = compare(*options); });
}

}  // namespace lra
