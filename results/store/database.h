/// RAII wrappers for SQLite: a Database closes itself, a Statement finalises itself, a Transaction rolls back unless
/// committed. Every error contains SQLite's message and the SQL; errors caused by the file itself are data errors.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/json.h"
#include "results/store/database_file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lra {

class Database;

/// A prepared statement. Parameters count from 1, columns from 0, as in SQLite.
///
/// Values are stored by type: bool and integers as INTEGER (unsigned ones keep their bits), double as REAL (NaN becomes
/// NULL and comes back as NaN), strings as TEXT, Json as its canonical text.
class Statement {
 public:
  Statement(const Database& database, std::string_view sql);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  template <typename Value>
  Statement& bind(int parameter, const Value& value) {
    if constexpr (std::is_same_v<Value, Json>)
      bind_text(parameter, value.dump());
    else if constexpr (std::is_integral_v<Value>)
      bind_integer(parameter, static_cast<std::int64_t>(value));
    else if constexpr (std::is_floating_point_v<Value>)
      bind_real(parameter, value);
    else if constexpr (std::is_convertible_v<Value, std::string_view>)
      bind_text(parameter, value);
    else
      bind_blob(parameter, std::span<const std::uint8_t>(value));
    return *this;
  }

  /// Moves to the next row; returns false when there is none left.
  bool next();
  /// Executes the statement with these parameters and resets it for the next call.
  template <typename... Values>
  void run(const Values&... values) {
    int parameter = 0;
    (bind(++parameter, values), ...);
    next();
    reset();
  }

  /// The value of a column in the current row.
  template <typename Value>
  Value get(int column) const {
    if constexpr (std::is_same_v<Value, Json>)
      return json(column);
    else if constexpr (std::is_same_v<Value, bool>)
      return integer(column) != 0;
    else if constexpr (std::is_integral_v<Value>)
      return static_cast<Value>(integer(column));
    else if constexpr (std::is_floating_point_v<Value>)
      return real(column);
    else if constexpr (std::is_same_v<Value, std::string>)
      return text(column);
    else
      return blob(column);
  }

 private:
  void bind_integer(int parameter, std::int64_t value);
  void bind_real(int parameter, double value);
  void bind_text(int parameter, std::string_view value);
  void bind_blob(int parameter, std::span<const std::uint8_t> value);
  void reset();
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  // invalid UTF-8 is replaced by U+FFFD
  std::vector<std::uint8_t> blob(int column) const;
  Json json(int column) const;  // throws a data error for text that is not JSON

  const Database* database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// An open connection, for use by one thread. It enforces foreign keys, waits up to a minute for other writers, and is
/// durable at every commit.
class Database {
 public:
  /// create: creates the file when it is missing. existing: requires the file. read: requires the file, but neither it
  /// nor its folder need be writable, unless a log beside it holds changes that are not yet in it.
  enum class Open { create, existing, read };

  /// Opens the file; ":memory:" is a database that lives as long as this object. Throws a data error when the file
  /// cannot be opened or is not an SQLite file, and a usage error when `path` cannot name a database.
  Database(const std::filesystem::path& path, Open open);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Sets the journal mode, which is stored in the file: a write-ahead log, with which readers and one writer do not
  /// block each other, or on a network file system a rollback journal, because a write-ahead log shared by several
  /// hosts would damage the file.
  void choose_journal();
  bool on_network() const { return on_network_; }

  /// Throws a data error when path() no longer leads to the file that was opened: writes to a file that was removed,
  /// moved or replaced would be lost.
  void check_in_place() const;

  /// Prepares a statement with these parameters.
  template <typename... Values>
  Statement query(std::string_view sql, const Values&... values) const {
    Statement statement(*this, sql);
    int parameter = 0;
    (statement.bind(++parameter, values), ...);
    return statement;
  }
  /// Executes statements that return nothing, separated by semicolons.
  void execute(const std::string& sql) const;
  /// The first column of the first row, as an integer. Throws when there is no row.
  std::int64_t integer(std::string_view sql) const;

  /// The contents of the database file, also for ":memory:".
  std::vector<std::byte> image() const;

  long last_insert_id() const;
  bool read_only() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  friend class Statement;
  [[noreturn]] void fail_with(std::string_view sql) const;
  void open_handle(const std::string& name, int flags);
  void open_file(Open open);
  void open_for_reading(const std::string& name);
  bool uses_write_ahead_log() const;
  void execute_with_retry(const char* sql) const;

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  FileIdentity identity_;
  bool on_network_ = false;
};

/// A write transaction. It takes the write lock at once, because a transaction that begins by reading cannot wait for
/// another writer. The constructor and commit() throw as Database::check_in_place does.
class Transaction {
 public:
  explicit Transaction(const Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

/// While a Snapshot lives, reads see the database as it was at construction, whatever other connections write.
class Snapshot {
 public:
  explicit Snapshot(const Database& database);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  const Database& database_;
};

}  // namespace lra
