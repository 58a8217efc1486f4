#include "datasets/import.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>

#include "core/file.h"
#include "datasets/input.h"
#include "datasets/lra_release.h"
#include "datasets/source.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

/// A file to be imported.
struct Item {
  std::string path;     // includes the outermost folders, whose names may identify the file
  std::string name;     // its name in errors
  Content content;      // unpacked where the file itself is compressed; `path` is then that of the unpacked file
  fs::path file;        // empty where the bytes have to be unpacked
  bool nested = false;  // a compressed file within an archive
};
using Visit = std::function<void(const Item& item)>;

void visit_file(const fs::path& file, const std::string& path, const std::string& name, const Visit& visit) {
  if (const auto inner = unpacked_name(path); inner && recognise(*inner))
    return visit({*inner, name, [&](const Put& put) { unpack(file, put); }, {}});
  visit({path, name, [&](const Put& put) { read_pieces(file, put); }, file});
}

void visit_member(const std::string& path, const std::string& name, const Content& content, const Visit& visit) {
  if (const auto inner = unpacked_name(path); inner && recognise(*inner))
    return visit({*inner, name, [&](const Put& put) { unpack(name, content, put); }, {}, /*nested=*/true});
  visit({path, name, content, {}});
}

/// Whether its name alone identifies it as official data, compressed or not.
bool is_official(const std::string& name) {
  const auto inner = unpacked_name(name);
  return recognise(name) || (inner && recognise(*inner));
}

/// The folder, archive or file that is searched.
struct SearchPlace {
  explicit SearchPlace(const fs::path& given) : SearchPlace(given, fs::canonical(given).filename()) {}
  SearchPlace(const fs::path& given, const std::string& called)
      : from(given), place(fs::canonical(given)), name(called) {}

  bool is_folder() const { return fs::is_directory(place); }
  bool is_archive() const { return !is_folder() && !is_official(path()); }
  /// The last two names, either of which may identify the data.
  std::string path() const { return (place.parent_path().filename() / name).string(); }

  fs::path from, place;
  std::string name;  // the final name, which a download does not have yet
};

void walk(const SearchPlace& origin, const Visit& visit) {
  if (origin.is_folder()) {
    for (const auto& entry :
         fs::recursive_directory_iterator(origin.place, fs::directory_options::skip_permission_denied))
      if (const auto below = entry.path().lexically_relative(origin.place);
          entry.is_regular_file() && !is_hidden(below))
        visit_file(entry.path(), (origin.path() / below).string(), (origin.from / below).string(), visit);
  } else if (origin.is_archive()) {
    walk_archive(origin.place, [&](const std::string& name, const Content& content) {
      visit_member(name, fmt::format("{}: {}", origin.from.string(), name), content, visit);
    });
  } else {
    visit_file(origin.place, origin.path(), origin.from.string(), visit);
  }
}

/// The files of one layout, as their source reads them, before any is moved.
struct Found {
  const SourceEntry* source = nullptr;
  std::set<Json> settings;  // with which the source reads it; each difficulty of Pathfinder is read separately
  std::string archive;      // as in OfficialFile
  long depth = -1, files = 0, others = 0;
  bool packed = false;                     // something has to be unpacked
  bool nested = false;                     // and compressed files within an archive too
  std::string flaw;                        // the first error of the source
  std::unordered_set<std::size_t> places;  // hashes of all files' places, to detect duplicates
  std::map<std::string, Imported::Part> parts;
};

/// Reads one file and records its content.
void look_at(const OfficialFile& file, const Item& item, Found& found) {
  found.source = &sources().at(file.source);
  found.settings.insert(file.settings);
  found.archive = file.archive;
  auto& part = found.parts.try_emplace(file.part, Imported::Part{file.part, 0, file.official}).first->second;
  const auto& inspect = found.source->official.inspect;
  try {
    part.found += inspect ? inspect(file.place, item.name, item.content) : 1;
  } catch (const Error& error) {
    if (error.kind() != Kind::data) throw;
    if (found.flaw.empty()) found.flaw = error.what();
  }
  if (!found.places.insert(std::hash<std::string>()(file.place)).second && found.flaw.empty())
    found.flaw = item.name + " is there twice, and nothing tells which of the two counts";
}

/// Return the names of all official data that can be imported: "aclImdb, cifar-10-batches-bin".
std::string official_names() {
  std::vector<std::string> files;
  for (const std::string& name : sources().names())
    if (const std::string& own = sources().at(name).official.files; !own.empty()) files.push_back(own);
  return fmt::format("{}", fmt::join(files, ", "));
}

std::map<std::string, Found> survey(const SearchPlace& origin) {
  std::map<std::string, Found> all;
  walk(origin, [&](const Item& item) {
    const auto file = recognise(item.path);
    if (!file) return;
    Found& found = all[file->layout];
    const long depth = lra_release::depth_of(item.path), others = found.others + found.files;
    if (depth > found.depth) found = Found{}, found.depth = depth, found.others = others;
    if (depth < found.depth) return void(++found.others);
    ++found.files;
    found.packed = found.packed || item.file.empty();
    found.nested = found.nested || item.nested;
    look_at(*file, item, found);
  });
  if (all.empty())
    fail_data("{} holds none of the official files: {}; look at what is in it", origin.from.string(), official_names());
  for (const auto& [layout, found] : all)
    if (!found.flaw.empty()) fail_data("nothing of {} was imported, because {}", origin.from.string(), found.flaw);
  return all;
}

/// Whether `target` already is the file itself, not a link to it.
bool is_at(const fs::path& file, const fs::path& target) {
  if (file.empty()) return false;
  const auto place = [](const fs::path& path) { return fs::weakly_canonical(path.parent_path()) / path.filename(); };
  return place(file) == place(target);
}

/// A staging folder inside the target folder, in which files are collected until all are complete. One import at a time
/// holds it, and the next one removes what a killed import left.
class Stage {
 public:
  explicit Stage(const fs::path& home) : home_(home), place_(home / ".import") {
    std::error_code failed;
    fs::create_directories(home, failed);
    if (failed) fail("cannot make the folder {}: {}", home.string(), failed.message());
    folder_ = ::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0 || ::flock(folder_, LOCK_EX) != 0) fail("cannot lock {}: {}", home.string(), std::strerror(errno));
    fs::remove_all(place_);
  }
  ~Stage() {
    std::error_code ignored;
    fs::remove_all(place_, ignored);
    ::close(folder_);
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  void add(const fs::path& target, const Content& content) {
    const fs::path draft = draft_of(target);
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    content([&](std::span<const std::byte> piece) {
      out.write(reinterpret_cast<const char*>(piece.data()), std::streamsize(piece.size()));
    });
    out.close();
    if (!out) fail("cannot write {}: {}", draft.string(), std::strerror(errno));
  }
  void add_link(const fs::path& target, const fs::path& file) {
    const fs::path draft = draft_of(target);
    fs::remove(draft);
    fs::create_symlink(fs::absolute(file), draft);
  }
  /// Syncs the file system once, because syncing fifty thousand files one by one takes minutes, and renames the files.
  void commit() {
    if (::syncfs(folder_) != 0) fail("cannot sync {}: {}", home_.string(), std::strerror(errno));
    for (const auto& [target, draft] : drafts_) {
      fs::create_directories(target.parent_path());
      fs::rename(draft, target);
    }
    ::syncfs(folder_);
  }

 private:
  fs::path draft_of(const fs::path& target) {
    fs::path draft = place_ / target.lexically_relative(home_);
    fs::create_directories(draft.parent_path());
    drafts_[target] = draft;
    return draft;
  }

  fs::path home_, place_;
  int folder_ = -1;
  std::map<fs::path, fs::path> drafts_;
};

constexpr const char* kTemporary = "lra-import-";

/// Removes the temporary folders of imports whose processes have ended without doing so.
void remove_abandoned_folders() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kTemporary)) continue;
    const pid_t process = pid_t(std::atol(name.c_str() + std::strlen(kTemporary)));
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

/// Lets the source read an archive that is kept as one. Throws the source's error.
void try_archive(const fs::path& archive, const Found& found) {
  remove_abandoned_folders();
  std::string name = (fs::temp_directory_path() / fmt::format("{}{}-XXXXXX", kTemporary, ::getpid())).string();
  if (!::mkdtemp(name.data())) fail("cannot make a folder like {}: {}", name, std::strerror(errno));
  const auto remove = [](const std::string* folder) { fs::remove_all(*folder); };
  const std::unique_ptr<const std::string, decltype(remove)> removed(&name, remove);
  const fs::path there = fs::path(name) / found.archive;
  fs::create_symlink(fs::absolute(archive), there);
  try {
    for (const Json& settings : found.settings) found.source->make(settings, name);
  } catch (const Error& error) {
    std::string words = error.what();
    if (const std::size_t at = words.find(there.string()); at != std::string::npos)
      words.replace(at, there.string().size(), archive.string());
    throw Error(error.kind(), fmt::format("nothing of {} was imported, because {}", archive.string(), words));
  }
}

bool is_complete(const Found& found) {
  return std::all_of(found.parts.begin(), found.parts.end(), [](const auto& named) {
    const Imported::Part& part = named.second;
    return part.official == 0 || part.found == part.official;
  });
}

/// One import.
class Import {
 public:
  Import(const fs::path& from, const fs::path& root, bool link)
      : from_(from), root_(root), link_(link), found_(survey(SearchPlace(from))) {
    if (SearchPlace(from).is_archive() && found_.size() == 1 && !found_.begin()->second.nested) {
      const Found& found = found_.begin()->second;
      if (is_complete(found) || !found.source->official.separable) whole_ = found.archive;
      if (!whole_.empty()) try_archive(from, found);
    }
    for (const auto& [layout, found] : found_) {
      if (link && whole_.empty() && found.packed)
        fail_usage("--link: {} must be unpacked to be read; import it without --link", from.string());
      Imported& imported = all_[layout];
      imported.layout = layout;
      imported.how = link ? "linked" : found.packed && whole_.empty() ? "unpacked" : "copied";
      imported.files = found.files;
      imported.left_out = found.others;
      for (const auto& [name, part] : found.parts) imported.parts.push_back(part);
    }
  }

  std::vector<Imported> run() {
    if (!whole_.empty()) {
      all_.begin()->second.place = root_ / whole_;
      if (!is_at(from_, root_ / whole_))
        put(from_, root_ / whole_, root_, [this](const Put& to) { read_pieces(from_, to); });
    } else {
      walk(SearchPlace(from_), [this](const Item& item) {
        const auto file = recognise(item.path);
        if (!file || lra_release::depth_of(item.path) != found_.at(file->layout).depth) return;
        const fs::path home = root_ / *fs::path(file->place).begin();
        all_.at(file->layout).place = home;
        if (!is_at(item.file, root_ / file->place)) put(item.file, root_ / file->place, home, item.content);
      });
    }
    for (auto& [home, stage] : stages_) stage.commit();
    std::vector<Imported> list;
    for (auto& [layout, imported] : all_) {
      imported.lacking = lacking(found_.at(layout));
      list.push_back(std::move(imported));
    }
    return list;
  }

 private:
  void put(const fs::path& file, const fs::path& target, const fs::path& home, const Content& content) {
    Stage& stage = stages_.try_emplace(home, home).first->second;
    if (link_)
      stage.add_link(target, file);
    else
      stage.add(target, content);
  }

  /// Return what the source still lacks to read the layout.
  std::string lacking(const Found& found) const {
    try {
      for (const Json& settings : found.settings) found.source->inputs(settings, root_);
    } catch (const Error& error) {
      if (error.kind() != Kind::data) throw;
      return error.what();
    }
    return {};
  }

  const fs::path &from_, &root_;
  bool link_;
  std::map<std::string, Found> found_;
  std::string whole_;  // the name of the archive when it is kept as one
  std::map<std::string, Imported> all_;
  std::map<fs::path, Stage> stages_;  // by target folder
};

}  // namespace

std::vector<Imported> import_data(const fs::path& from, const fs::path& root, bool link) {
  if (!fs::exists(from)) fail_data("there is no {}", from.string());
  if (!fs::is_directory(from) && !fs::is_regular_file(from))
    fail_data("{} is a pipe or a device, but an import reads more than once; save the data in a file first",
              from.string());
  return Import(from, root, link).run();
}

void check_import(const fs::path& file, const std::string& name) { survey(SearchPlace(file, name)); }

}  // namespace lra
