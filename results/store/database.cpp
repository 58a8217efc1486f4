#include "results/store/database.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include <sqlite3.h>

#include "core/error.h"
#include "core/remedy.h"

namespace lra {
namespace {

constexpr int kBusyTimeoutMilliseconds = 60'000;

bool files_are_limited() {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/// What to do about SQLite's error `code`. `error` is the errno of a failed open; SQLite keeps none for a failed write.
std::string advice(int code, int error) {
  if (code == SQLITE_CANTOPEN)
    if (const std::string remedy = remedy_of(error); !remedy.empty())
      return fmt::format("{}: {}, or name another file with --db", std::strerror(error), remedy);
  switch (code) {
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "check that its folder exists and that file and folder are writable, or name another file with --db";
    case SQLITE_NOTADB:
      return "name another file with --db, or move this one away";
    case SQLITE_CORRUPT:
      return "the file is damaged: restore a copy, or name another file with --db";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process has locked it for more than a minute: end that process or try again later";
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return files_are_limited() ? "check the file size limit (ulimit -f) and the space left on its disk"
                                 : "check the space left on its disk";
    default:
      return "";
  }
}

bool is_file_error(int code) {
  return code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM || code == SQLITE_NOTADB ||
         code == SQLITE_CORRUPT;
}

}  // namespace

Statement::Statement(const Database& database, std::string_view sql) : database_(&database) {
  if (sqlite3_prepare_v2(database.handle_, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr) != SQLITE_OK)
    database.fail_with(sql);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

bool Statement::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  database_->fail_with(sqlite3_sql(statement_));
}

void Statement::reset() {
  if (sqlite3_reset(statement_) != SQLITE_OK) database_->fail_with(sqlite3_sql(statement_));
}

void Statement::bind_integer(int parameter, std::int64_t value) {
  if (sqlite3_bind_int64(statement_, parameter, value) != SQLITE_OK) database_->fail_with(sqlite3_sql(statement_));
}

void Statement::bind_real(int parameter, double value) {
  if (sqlite3_bind_double(statement_, parameter, value) != SQLITE_OK) database_->fail_with(sqlite3_sql(statement_));
}

void Statement::bind_text(int parameter, std::string_view value) {
  // A null pointer would bind NULL, and an empty view may hold one.
  const char* data = value.empty() ? "" : value.data();
  if (sqlite3_bind_text64(statement_, parameter, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
    database_->fail_with(sqlite3_sql(statement_));
}

void Statement::bind_blob(int parameter, std::span<const std::uint8_t> value) {
  const int code = value.empty()
                       ? sqlite3_bind_zeroblob(statement_, parameter, 0)
                       : sqlite3_bind_blob64(statement_, parameter, value.data(), value.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) database_->fail_with(sqlite3_sql(statement_));
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::real(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  std::string bytes(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(bytes.begin(), bytes.end(), ascii)) return bytes;
  // Invalid UTF-8 (from a path or a damaged file) would make every report format fail later.
  return Json::parse(Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::vector<std::uint8_t> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::vector<std::uint8_t>(bytes, bytes + sqlite3_column_bytes(statement_, column))
               : std::vector<std::uint8_t>();
}

Json Statement::json(int column) const {
  Json value = Json::parse(text(column), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded())
    fail_data("database {} is damaged: its column '{}' holds '{}', which is not JSON", database_->path().string(),
              sqlite3_column_name(statement_, column), text(column).substr(0, 40));
  return value;
}

Database::Database(const std::filesystem::path& path, Open open) : path_(path) {
  try {
    if (path == ":memory:")
      open_handle(":memory:", SQLITE_OPEN_READWRITE);
    else
      open_file(open);
    // SQLite does not open the file before the first read.
    execute_with_retry("SELECT count(*) FROM sqlite_master");
    execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::open_handle(const std::string& name, int flags) {
  sqlite3_close_v2(std::exchange(handle_, nullptr));
  if (sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr) != SQLITE_OK) fail_with("");
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, kBusyTimeoutMilliseconds);
}

void Database::open_file(Open open) {
  check_database_path(path_);
  const bool exists = std::filesystem::exists(path_);
  if (!exists && open != Open::create)
    fail_data("there is no database {}: create one with `lra run`, or name another with --db", path_.string());
  const bool is_fixed = exists && !is_writable(path_);
  on_network_ = is_on_network_file_system(path_);
  // An absolute path, because SQLite would parse a name such as "file:lra.db?mode=memory" as a URI.
  const std::string name = std::filesystem::absolute(path_).string();
  if (!is_fixed)
    open_handle(name, SQLITE_OPEN_READWRITE | (open == Open::create ? SQLITE_OPEN_CREATE : 0));
  else if (open == Open::read)
    open_for_reading(name);
  else  // SQLite would fall back to opening it read-only, and then block those that can write.
    fail_data("database {} or its folder is not writable: make both writable, or name another file with --db",
              path_.string());
  identity_ = identity_of(path_);
  // Without exclusive locking, the log's index would be memory shared over the network.
  if (on_network_ && !is_fixed && uses_write_ahead_log()) execute("PRAGMA locking_mode = EXCLUSIVE");
}

void Database::open_for_reading(const std::string& name) {
  open_handle(name, SQLITE_OPEN_READONLY);
  if (!uses_write_ahead_log()) return;
  // Without a log the file alone is the database, so it can be opened as immutable. Otherwise SQLite would first create
  // an index of the log, which fails here, or would block those that can write.
  std::error_code missing;
  const std::uintmax_t log = std::filesystem::file_size(sidecar_file(path_, "-wal"), missing);
  if (missing || log == 0) return open_handle(immutable_uri(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  if (!on_network_ && std::filesystem::exists(sidecar_file(path_, "-shm"))) return;
  fail_data(
      "database {0} cannot be read here: {0}-wal holds changes that are not in it yet, and it is not writable; copy "
      "both files to a writable folder and name that copy",
      path_.string());
}

bool Database::uses_write_ahead_log() const {
  // Reads through SQLite's own descriptor: closing another one would release its locks.
  constexpr int kReadVersion = 19,
                kWriteAhead = 2;  // https://sqlite.org/fileformat.html, "File format version numbers"
  sqlite3_file* file = nullptr;
  unsigned char version = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file &&
         file->pMethods && file->pMethods->xRead(file, &version, 1, kReadVersion) == SQLITE_OK &&
         version == kWriteAhead;
}

void Database::choose_journal() {
  if (!on_network_) return execute_with_retry("PRAGMA journal_mode = WAL");
  execute_with_retry("PRAGMA journal_mode = DELETE");
  execute("PRAGMA locking_mode = NORMAL");
  execute("SELECT count(*) FROM sqlite_master");  // the first access in normal mode releases the exclusive lock
}

void Database::execute_with_retry(const char* sql) const {
  // The busy timeout does not cover every case: two processes that switch a new file at the same time would both fail.
  for (int waited = 0;; waited += 10) {
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return;
    if ((code & 0xff) != SQLITE_BUSY || waited >= kBusyTimeoutMilliseconds) fail_with(sql);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Database::check_in_place() const {
  if (path_ == ":memory:" || (identity_of(path_) == identity_ && identity_ != FileIdentity{})) return;
  fail_data(
      "database {} is no longer the file that was opened: it was removed, moved or replaced in the meantime, and "
      "nothing more can be stored in it; put it back, or name another with --db, and run the same command again",
      path_.string());
}

std::vector<std::byte> Database::image() const {
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(sqlite3_serialize(handle_, "main", &size, 0),
                                                              sqlite3_free);
  if (!bytes) fail("database {} does not fit in memory", path_.string());
  const std::span<const unsigned char> all(bytes.get(), std::size_t(size));
  const auto begin = std::as_bytes(all);
  return {begin.begin(), begin.end()};
}

void Database::execute(const std::string& sql) const {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail_with(sql);
}

std::int64_t Database::integer(std::string_view sql) const {
  Statement statement = query(sql);
  if (!statement.next()) fail("database {}: \"{}\" returned no row", path_.string(), sql);
  return statement.get<std::int64_t>(0);
}

long Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

bool Database::read_only() const { return sqlite3_db_readonly(handle_, "main") == 1; }

void Database::fail_with(std::string_view sql) const {
  const int code = handle_ ? sqlite3_errcode(handle_) & 0xff : SQLITE_NOMEM;
  std::string sentence =
      fmt::format("database {}: {}", path_.string(), handle_ ? sqlite3_errmsg(handle_) : "out of memory");
  if (!sql.empty()) sentence += fmt::format(" (in \"{}\")", sql);
  if (const std::string what_to_do = advice(code, handle_ ? sqlite3_system_errno(handle_) : 0); !what_to_do.empty())
    sentence += "; " + what_to_do;
  throw Error(is_file_error(code) ? Kind::data : Kind::failed, sentence);
}

Transaction::Transaction(const Database& database) : database_(database) {
  database.check_in_place();
  database.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // After some failures SQLite has already rolled back; the original error is being thrown.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
  database_.check_in_place();
}

Snapshot::Snapshot(const Database& database) : database_(database) {
  database.execute("BEGIN; SELECT count(*) FROM sqlite_master");  // the first read starts the snapshot
}

Snapshot::~Snapshot() {
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // Nothing was written.
  }
}

}  // namespace lra
