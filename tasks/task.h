/// A benchmark task: its definition, what a preset makes of it, and its data.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/json.h"
#include "tasks/recipe.h"
#include "tasks/spec.h"

namespace lra {

/// Everything a preset says about one task for one model: resolved, so that storing it stores the experiment.
struct TaskPlan {
  std::string task;  // what to ask plan_task for again: spec.name, or "tsv:" and the whole path of one's own data
  TaskSpec spec;
  std::string preset;
  std::vector<std::string> classes;  // names of labels 0, 1, … in UTF-8; none where the numbers say all
  Json data;                         // {"source": a name of datasets/sources/, and its settings: sizes, seed …}
  Json encoder;                      // the model's shape: width, heads, layers … (models/layers/encoder.h reads it)
  Json mixer;                        // settings of the model itself that the preset prescribes, e.g. Linformer's k
  Recipe recipe;
  std::string remark;  // where data stand in for the official ones, or are a part of them: one sentence on it
};

/// Where data may be found and where caches are kept.
struct DataPaths {
  std::filesystem::path root;                           // official files (may be empty or absent for generated data)
  std::filesystem::path cache;                          // prepared data; made when missing
  std::function<void(const std::string&)> notice = {};  // hears when data are prepared, and why again; may be empty
};

/// Names of the tasks, alphabetical.
std::vector<std::string> task_names();
/// The tasks of Long Range Arena in the order of its columns: the five of its average, or with Path-X all six.
std::vector<std::string> lra_tasks(bool with_pathx);
/// The tasks that a preset covers and whose data this build can read or make, official files permitting ("quick" has
/// "lookup", "lra" has not).
std::vector<std::string> tasks_of_preset(const std::string& preset);
/// Whether `task` is "tsv:FOLDER", a user's own texts (datasets/tsv.h).
bool is_own_task(const std::string& task);
/// The folder of "tsv:FOLDER", absolute, its links followed.
std::filesystem::path own_data_folder(const std::string& task);
/// What results call the task: of "tsv:some/where/mail/", "tsv:mail"; any other name as it is.
std::string stored_name(const std::string& task);
/// One sentence on the task.
std::string describe_task(const std::string& task);

/// What `preset` says about `task` for `model` (whose overrides in the preset apply). Throws a usage error for an
/// unknown task or preset, or when the preset does not cover the task. Needs no data. Where a preset knows two kinds of
/// data (ListOps: the official files, otherwise LRA's generator under the name `listops@generated`), the files below
/// `root` decide which the plan names. Where only a part of the official files is there and can be read, the name says
/// how many examples that is (`text@part-12000-1000`). The plan's remark tells of either; nothing else depends on
/// `root`.
///
/// "tsv:FOLDER" gets the length, encoder and recipe of the preset's Text, or of its Retrieval where the rows are pairs,
/// and its classes from its files, which are read for this. Throws a data error when that cannot be done.
TaskPlan plan_task(const std::string& task, const std::string& preset, const std::string& model,
                   const std::filesystem::path& root = {});

/// Cuts the plan's sequences at `length` tokens in place of what the preset says, which is another variant
/// ("text@2000", "text@quick-384"). Throws a usage error for a task whose examples are not cut, such as one of
/// pictures.
void set_length(TaskPlan& plan, long length);

/// The folder in which the plan's files are looked for, absolute, whether or not it needs any; empty when there is
/// none.
std::filesystem::path data_folder(const TaskPlan& plan, const DataPaths& paths);

/// Where `open_data` keeps the plan's data. Throws a data error when files that they are read from are missing.
std::filesystem::path prepared_file(const TaskPlan& plan, const DataPaths& paths);

/// Throws the data error for which `open_data` could not read the files of a plan whose data are not prepared, as far
/// as a look of some seconds finds it.
void check_files(const TaskPlan& plan, const DataPaths& paths);

/// The plan's data: from the cache, or generated or read from official files and cached. Throws a data error that says
/// which file is missing and how to get it. Safe when several processes do it at once.
std::unique_ptr<Dataset> open_data(const TaskPlan& plan, const DataPaths& paths);

}  // namespace lra
