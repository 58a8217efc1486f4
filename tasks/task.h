/// A benchmark task: its definition, what a preset makes of it, and its data.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "datasets/dataset.h"
#include "tasks/recipe.h"
#include "tasks/spec.h"

namespace lra {

/// Everything that a preset prescribes for one task and one model, resolved, so that storing it stores the experiment.
struct TaskPlan {
  std::string task;  // the argument for plan_task: spec.name, or "tsv:" and the absolute path of user data
  TaskSpec spec;
  std::string preset;
  std::vector<std::string> classes;  // names of labels 0, 1, … in UTF-8; none where labels are plain numbers
  Json data;                         // {"source": a name of datasets/sources/, and its settings: sizes, seed …}
  Json encoder;                      // the model's shape: width, heads, layers … (models/layers/encoder.h reads it)
  Json mixer;                        // model settings that the preset prescribes, such as Linformer's k
  Recipe recipe;
  std::string remark;  // one sentence where the data replace the official ones or are a part of them
};

/// The folders of official and prepared data.
struct DataPaths {
  std::filesystem::path root;                           // official files (may be empty or absent for generated data)
  std::filesystem::path cache;                          // prepared data; made when missing
  std::function<void(const std::string&)> notice = {};  // receives messages while data are prepared; may be empty
};

/// Return the names of the tasks in alphabetical order.
std::vector<std::string> task_names();
/// Return the tasks of Long Range Arena in the order of its columns: the five of its average, or all six with Path-X.
std::vector<std::string> lra_tasks(bool with_pathx);
/// Return the tasks that a preset covers and whose data this build can generate, or read once the official files are
/// there ("quick" has "lookup", "lra" does not).
std::vector<std::string> tasks_of_preset(const std::string& preset);
/// Whether `task` is "tsv:FOLDER", user data (datasets/tsv.h).
bool is_own_task(const std::string& task);
/// Return the absolute folder of "tsv:FOLDER", with links resolved.
std::filesystem::path own_data_folder(const std::string& task);
/// Return the name of the task in results: "tsv:mail" for "tsv:some/where/mail/", any other name unchanged.
std::string stored_name(const std::string& task);
/// Return a one-sentence summary of the task.
std::string describe_task(const std::string& task);

/// Return what `preset` prescribes for `task` and `model` (whose overrides in the preset apply). Throws a usage error
/// for an unknown task or preset, or when the preset does not cover the task. Needs no data. Where a preset has a
/// fallback (for ListOps, LRA's generator under the name `listops@generated`), the files below `root` decide which data
/// the plan names. Where only a part of the official files is present and readable, the variant contains its number of
/// examples (`text@part-12000-1000`). The plan's remark reports either case; nothing else depends on `root`.
///
/// "tsv:FOLDER" takes the length, encoder and recipe of the preset's Text, or of its Retrieval where the rows are
/// pairs, and its classes from its files, which are read for this. Throws a data error when they cannot be read.
TaskPlan plan_task(const std::string& task, const std::string& preset, const std::string& model,
                   const std::filesystem::path& root = {});

/// Truncate the plan's sequences to `length` tokens instead of the preset's length. This is a variant of its own
/// ("text@2000", "text@quick-384"). Throws a usage error for a task whose examples are not truncated, such as images.
void set_length(TaskPlan& plan, long length);

/// The names of all settings that `set_data` takes, of whatever task.
std::vector<std::string> data_setting_names();

/// Change settings of the generator that makes the plan's data, which its task's definition lists. This is a variant of
/// its own ("recall@quick-pairs=8"). Throws a usage error for a setting that is not the task's and for a wrong type.
void set_data(TaskPlan& plan, const Json& settings);

/// Return the absolute folder in which the plan's files are looked for, whether or not it needs any; empty when there
/// is none.
std::filesystem::path data_folder(const TaskPlan& plan, const DataPaths& paths);

/// Return the file in which `open_data` keeps the plan's data. Throws a data error when input files are missing.
std::filesystem::path prepared_file(const TaskPlan& plan, const DataPaths& paths);

/// Check the input files of a plan whose data are not prepared. Throws the data error that `open_data` would throw, as
/// far as a check of a few seconds finds it.
void check_files(const TaskPlan& plan, const DataPaths& paths);

/// Return the plan's data from the cache, or generate them or read them from official files, and cache them. Throws a
/// data error that names the missing file and says how to get it. Safe to call from several processes at once.
std::unique_ptr<Dataset> open_data(const TaskPlan& plan, const DataPaths& paths);

}  // namespace lra
