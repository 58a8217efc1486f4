/// SQLite behind three owners: a Database closes itself, a Statement finalises itself, a Transaction rolls back unless
/// it was committed. Every failure carries SQLite's words and the SQL; those that stem from the file itself are data
/// errors.
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

#include "harness/core/json.h"
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

  /// Moves to the next row; false when there is none left.
  bool next();
  /// Executes once with these parameters and stands ready to be executed again.
  template <typename... Values>
  void run(const Values&... values) {
    int parameter = 0;
    (bind(++parameter, values), ...);
    next();
    reset();
  }

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
  std::string text(int column) const;  // what is not UTF-8 in it as U+FFFD
  std::vector<std::uint8_t> blob(int column) const;
  Json json(int column) const;  // throws a data error for text that is not JSON

  const Database* database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// An open connection: foreign keys enforced, patient with other writers, durable at every commit. Use by one thread.
class Database {
 public:
  /// create: made if missing. existing: not made. read: not made, and need not be writable, nor its folder, as long as
  /// no log beside the file waits to be written into it.
  enum class Open { create, existing, read };

  /// Opens the file (":memory:" for one that lives as long as this). Throws a data error when it cannot be opened or is
  /// not an SQLite file, and a usage error when the name can be no database's.
  Database(const std::filesystem::path& path, Open open);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Write-ahead logging: readers and one writer do not block each other. On a network file system a rollback journal:
  /// there a write-ahead log of several hosts would damage the file. Stays with the file.
  void choose_journal();
  bool on_network() const { return on_network_; }

  /// Throws a data error when the name no longer leads to the file that was opened: what is written into a file that
  /// was removed, moved or replaced is lost.
  void check_in_place() const;

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

  /// What the file holds, or would.
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
  void execute_patiently(const char* sql) const;

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  FileIdentity identity_;
  bool on_network_ = false;
};

/// A write transaction, in a file that is still in its place before and after. Takes the write lock at once: one that
/// began by reading could not wait for another writer.
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

/// While this lives the database is read as it was when this was made, whatever others write meanwhile.
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
