// Downloads from a local server that drops connections, sends wrong data, redirects and stalls.
#include "datasets/download.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include "core/digest.h"
#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/download_testing.h"
#include "datasets/files_testing.h"
#include "datasets/import.h"

namespace lra {
namespace {

std::string content() {
  std::string text;
  for (int i = 0; i < 30000; ++i) text += char('a' + i * i % 23);
  return text;
}

/// Send the whole content, or the rest of it for a range request. Content-Length announces all of it, but only `most`
/// bytes are sent.
void send_content(const Request& request, int connection, std::size_t most = std::string::npos) {
  const std::string all = content(), rest = all.substr(request.from);
  const std::string head = request.ranged
                               ? fmt::format("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {}-{}/{}\r\n",
                                             request.from, all.size() - 1, all.size())
                               : "HTTP/1.1 200 OK\r\n";
  send(connection,
       fmt::format("{}Content-Length: {}\r\nConnection: close\r\n\r\n{}", head, rest.size(), rest.substr(0, most)));
}

/// Send a response. `head` is the status line after `HTTP/1.1 `, with further headers; Content-Length announces all of
/// `body`, but only `most` bytes are sent.
void answer(int connection, const std::string& head, const std::string& body, std::size_t most = std::string::npos) {
  send(connection, fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", head, body.size(),
                               body.substr(0, most)));
}

/// Respond with `file` as RFC 9110 specifies (13.1.5, 14.2, 15.5.17): with the rest when the validator matches, with
/// the whole file when it does not, and with 416 when there is no rest.
void answer_as_specified(const Request& request, int connection, const std::string& file, const std::string& validator,
                         const std::string& field = "ETag", std::size_t most = std::string::npos) {
  const std::string known = fmt::format("{}: {}", field, validator);
  if (!request.ranged || (!request.if_range.empty() && request.if_range != validator))
    return answer(connection, "200 OK\r\n" + known, file, most);
  if (request.from >= file.size())
    return answer(connection, fmt::format("416 Range Not Satisfiable\r\nContent-Range: bytes */{}", file.size()), "");
  answer(connection,
         fmt::format("206 Partial Content\r\n{}\r\nContent-Range: bytes {}-{}/{}", known, request.from, file.size() - 1,
                     file.size()),
         file.substr(request.from), most);
}

Download download_of(const std::string& url) {
  return {"test", url, "file", content().size(), sha256(content()), md5(content()), "", ""};
}

const Patience kQuick{.stall_seconds = 1, .attempts = 4, .pause_milliseconds = 1};

std::string refusal(const Download& download, const std::filesystem::path& target) {
  return sentence_of([&] { fetch(download, target, {}, kQuick); }, Kind::data);
}

TEST(Download, GetsAFile) {
  const TemporaryFolder folder;
  Server server([](const Request& request, int connection) { send_content(request, connection); });
  std::uint64_t most = 0;
  EXPECT_TRUE(fetch(download_of(server.url("/file")), folder / "deep/file", [&](std::uint64_t bytes, std::uint64_t of) {
    EXPECT_EQ(of, content().size());
    most = std::max(most, bytes);
    return true;
  }));
  EXPECT_EQ(read_file(folder / "deep/file"), content());
  EXPECT_EQ(most, content().size());
  EXPECT_FALSE(std::filesystem::exists(folder / "deep/file.part"));
}

TEST(Download, GoesOnWhereItBrokeOff) {
  const TemporaryFolder folder;
  std::vector<std::size_t> begins;
  Server server([&](const Request& request, int connection) {
    begins.push_back(request.from);
    send_content(request, connection, 12000);
  });
  fetch(download_of(server.url("/file")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
  EXPECT_EQ(begins, (std::vector<std::size_t>{0, 12000, 24000}));
}

TEST(Download, KeepsThePartForTheNextTime) {
  const TemporaryFolder folder;
  Server broken([](const Request& request, int connection) { send_content(request, connection, 100); });
  EXPECT_NE(refusal(download_of(broken.url("/file")), folder / "file").find("broke off 4 times"), std::string::npos);
  EXPECT_EQ(read_file(folder / "file.part"), content().substr(0, 400));
  Server sound([](const Request& request, int connection) {
    EXPECT_EQ(request.from, 400u);
    send_content(request, connection);
  });
  fetch(download_of(sound.url("/file")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
}

TEST(Download, StartsOverWhereTheServerCannotResume) {
  const TemporaryFolder folder;
  write_file(folder / "file.part", std::string("something else"));
  Server server([](const Request&, int connection) { send_content(Request(), connection); });
  fetch(download_of(server.url("/file")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
}

TEST(Download, FollowsRedirections) {
  const TemporaryFolder folder;
  Server server([](const Request& request, int connection) {
    if (request.path == "/file") return send_content(request, connection);
    const std::string next = request.path == "/moved" ? "/again" : request.path == "/again" ? "/file" : "/loop";
    send(connection,
         "HTTP/1.1 302 Found\r\nLocation: " + next + "\r\nContent-Length: 5\r\nConnection: close\r\n\r\nmoved");
  });
  fetch(download_of(server.url("/moved")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
  EXPECT_NE(refusal(download_of(server.url("/loop")), folder / "other").find("cannot be fetched"), std::string::npos);
}

TEST(Download, WrongBytesAreNotKept) {
  const TemporaryFolder folder;
  Server server([](const Request& request, int connection) { send_content(request, connection); });
  Download other = download_of(server.url("/file"));
  other.sha256 = sha256("other");
  EXPECT_NE(refusal(other, folder / "file").find("SHA-256"), std::string::npos);
  other = download_of(server.url("/file"));
  other.md5 = md5("other");
  EXPECT_NE(refusal(other, folder / "file").find("MD5"), std::string::npos);
  other.size = 29999;
  EXPECT_NE(refusal(other, folder / "file").find("more than 29999 bytes"), std::string::npos);
  other.size = 30001;
  EXPECT_NE(refusal(other, folder / "file").find("30000 bytes instead of 30001"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Download, AStalledConnectionIsGivenUp) {
  const TemporaryFolder folder;
  Server* here = nullptr;
  Server server([&](const Request& request, int connection) {
    if (request.from > 0) return send_content(request, connection);
    send_content(request, connection, 5000);
    for (int i = 0; i < 100 && !here->ending(); ++i) {  // until the client closes the connection
      char byte = 0;
      if (::recv(connection, &byte, 1, MSG_DONTWAIT) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  here = &server;
  const auto start = std::chrono::steady_clock::now();
  fetch(download_of(server.url("/file")), folder / "file", {}, kQuick);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_EQ(read_file(folder / "file"), content());
}

TEST(Download, RefusalsAreSaidAtOnce) {
  const TemporaryFolder folder;
  Server server([](const Request&, int connection) {
    send(connection, "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nConnection: close\r\n\r\nno way");
  });
  const std::string sentence = refusal(download_of(server.url("/file")), folder / "file");
  EXPECT_NE(sentence.find("the server answers 403"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(server.url("/file")), std::string::npos) << sentence;
  EXPECT_EQ(server.asked(), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "file"));
  EXPECT_NE(refusal(download_of("file:///etc/hostname"), folder / "file").find("cannot be fetched"), std::string::npos);
}

TEST(Download, CanBeStopped) {
  const TemporaryFolder folder;
  Server server([](const Request& request, int connection) { send_content(request, connection); });
  EXPECT_FALSE(fetch(
      download_of(server.url("/file")), folder / "file", [](auto...) { return false; }, kQuick));
  EXPECT_FALSE(std::filesystem::exists(folder / "file"));
}

Download without_checksum(const std::string& url) { return {"test", url, "file", 0, "", "", "", ""}; }

/// Return the content of another file of the same size.
std::string changed_content() {
  std::string text = content();
  std::reverse(text.begin(), text.end());
  return text;
}

class Resume : public testing::TestWithParam<const char*> {};

TEST_P(Resume, GoesOnWithTheSameFile) {
  const TemporaryFolder folder;
  std::vector<std::size_t> begins;
  Server server([&](const Request& request, int connection) {
    begins.push_back(request.from);
    answer_as_specified(request, connection, content(), "\"one\"", GetParam(), 12000);
  });
  fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
  EXPECT_EQ(begins, (std::vector<std::size_t>{0, 12000, 24000}));
  EXPECT_FALSE(std::filesystem::exists(folder / "file.part") || std::filesystem::exists(folder / "file.part.json"));
}

TEST_P(Resume, BeginsAnewWhereTheFileChanged) {
  for (const bool ignores_condition : {false, true}) {
    const TemporaryFolder folder;
    long asked = 0;
    Server server([&](Request request, int connection) {
      if (++asked == 1) return answer_as_specified(request, connection, content(), "\"one\"", GetParam(), 12000);
      if (ignores_condition) request.if_range = "";
      answer_as_specified(request, connection, changed_content(), "\"two\"", GetParam());
    });
    fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
    EXPECT_EQ(read_file(folder / "file"), changed_content());
  }
}
INSTANTIATE_TEST_SUITE_P(All, Resume, testing::Values("ETag", "Last-Modified"));

TEST(Download, WithoutAnythingToTellTheFileByItBeginsAnew) {
  for (const char* field : {"X-Nothing: 1", "ETag: W/\"weak\""}) {
    const TemporaryFolder folder;
    std::vector<std::size_t> begins;
    Server server([&](const Request& request, int connection) {
      begins.push_back(request.from);
      answer(connection, std::string("200 OK\r\n") + field, begins.size() == 1 ? content() : changed_content(),
             begins.size() == 1 ? 12000 : std::string::npos);
    });
    fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
    EXPECT_EQ(read_file(folder / "file"), changed_content());
    EXPECT_EQ(begins, (std::vector<std::size_t>{0, 0}));
  }
}

TEST(Download, APartOfUnknownOriginIsNotGoneOnWith) {
  const TemporaryFolder folder;
  write_file(folder / "file.part", std::string("something else"));
  Server server(
      [](const Request& request, int connection) { answer_as_specified(request, connection, content(), "\"one\""); });
  fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
  // A part from another URL is not resumed either.
  write_file(folder / "file.part", std::string("something else"));
  write_file(folder / "file.part.json", std::string(R"({"url": "http://x/y", "etag": "\"one\""})"));
  fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
  EXPECT_EQ(read_file(folder / "file"), content());
}

TEST(Download, AnotherRangeThanAskedForIsNotTaken) {
  for (const char* range : {"Content-Range: bytes 11000-29999/30000", "Content-Range: bytes 12000-29999/31000", "X: 1",
                            "Content-Range: bytes */30000"}) {
    const TemporaryFolder folder;
    Server server([&](const Request& request, int connection) {
      if (!request.ranged)
        return answer_as_specified(request, connection, content(), "\"one\"", "ETag",
                                   std::filesystem::exists(folder / "broken") ? std::string::npos : 12000);
      write_file(folder / "broken", std::string("once"));
      answer(connection, std::string("206 Partial Content\r\n") + range, content().substr(11000));
    });
    fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
    EXPECT_EQ(read_file(folder / "file"), content()) << range;
  }
}

TEST(Download, NothingMoreToSendIsTheEndOnlyAtTheServersSize) {
  for (const auto& [part, served] : {std::pair(content(), content()), std::pair(content() + "more", content()),
                                     std::pair(content(), content().substr(0, 20000))}) {
    const TemporaryFolder folder;
    long asked = 0;
    Server server([&, &served = served](const Request& request, int connection) {
      ++asked;
      answer_as_specified(request, connection, served, "\"one\"");
    });
    write_file(folder / "file.part", part);
    write_file(folder / "file.part.json",
               fmt::format(R"({{"url": "{}", "etag": "\"one\"", "size": 30000}})", server.url("/file")));
    fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick);
    EXPECT_EQ(read_file(folder / "file"), served);
    EXPECT_EQ(asked, part == served ? 1 : 2);
  }
}

TEST(Download, TwoAtOnceGetOneFile) {
  const TemporaryFolder folder;
  Server server([](const Request& request, int connection) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    send_content(request, connection);
  });
  bool waited = false;
  std::thread other([&] { fetch(download_of(server.url("/file")), folder / "file", {}, kQuick); });
  while (!std::filesystem::exists(folder / "file.part")) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(fetch(
      download_of(server.url("/file")), folder / "file", [&](auto...) { return waited = true; }, kQuick));
  other.join();
  EXPECT_TRUE(waited);
  EXPECT_EQ(server.asked(), 1);
  EXPECT_EQ(read_file(folder / "file"), content());
  EXPECT_FALSE(std::filesystem::exists(folder / "file.part"));
}

TEST(Download, ChecksumsMayBeInUpperCase) {
  const TemporaryFolder folder;
  Server server([](const Request& request, int connection) { send_content(request, connection); });
  Download download = download_of(server.url("/file"));
  for (std::string* digits : {&download.sha256, &download.md5})
    std::transform(digits->begin(), digits->end(), digits->begin(),
                   [](unsigned char c) { return char(std::toupper(c)); });
  EXPECT_TRUE(fetch(download, folder / "file", {}, kQuick));
}

TEST(Download, AnUnknownHostIsSaidAtOnce) {
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  const std::string sentence = sentence_of(
      [&] { fetch(without_checksum("http://no-such-host.invalid/file"), folder / "file", {}, {}); }, Kind::data);
  EXPECT_NE(sentence.find("cannot be fetched"), std::string::npos) << sentence;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // five attempts pause for 15 seconds
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Download, WhatNothingVouchesForGetsItsNameWhenItCouldBeRead) {
  const TemporaryFolder folder;
  write_tar_gz(folder / "sound", {{"basic_val.tsv", "Source\tTarget\n7\t7\n"}});
  const std::string sound = read_file(folder / "sound");
  const auto fetch_from = [&](const Server& server) {
    return fetch(without_checksum(server.url("/file")), folder / "file", {}, kQuick,
                 [](const std::filesystem::path& part) { check_import(part, "file"); });
  };
  for (const std::string& flawed :
       {"200 OK\r\n\r\n" + sound.substr(0, sound.size() / 2), std::string("200 OK\r\n\r\n<html>not here</html>"),
        std::string("204 No Content\r\n\r\n"), std::string("200 OK\r\nContent-Length: 0\r\n\r\n")}) {
    const Server server([&](const Request&, int connection) { send(connection, "HTTP/1.1 " + flawed); });
    const std::string sentence = sentence_of([&] { fetch_from(server); }, Kind::data);
    EXPECT_NE(sentence.find(server.url("/file")), std::string::npos) << sentence;
    EXPECT_FALSE(is_file(folder / "file") || is_file(folder / "file.part")) << flawed;
  }
  const Server server([&](const Request&, int connection) { send(connection, "HTTP/1.1 200 OK\r\n\r\n" + sound); });
  EXPECT_TRUE(fetch_from(server));
  EXPECT_EQ(read_file(folder / "file"), sound);
}

TEST(Downloads, TheTableCanBeReplaced) {
  const TemporaryFolder folder;
  write_file(folder / "table.json", std::string(R"([{"name": "a", "url": "http://x/y", "file": "y", "size": 3}])"));
  const auto table = read_downloads(folder / "table.json");
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table[0].size, 3u);
  for (const char* bad : {R"([{"name": "a", "url": "http://x/y", "file": "../y"}])",
                          R"([{"name": "a", "url": "http://x/y", "file": "."}])", R"([{"name": "a"}])", "{}",
                          R"([{"name": "a", "url": "http://x/y", "file": "y", "sha256": "c40f"}])"}) {
    write_file(folder / "table.json", std::string(bad));
    EXPECT_NE(sentence_of([&] { read_downloads(folder / "table.json"); }, Kind::data).find("table.json"),
              std::string::npos);
  }
  std::vector<std::string> names;
  for (const Download& official : official_downloads()) {
    names.push_back(official.name);
    EXPECT_TRUE(official.url.starts_with("https://")) << official.name;
    EXPECT_FALSE(official.licence.empty() || official.citation.empty()) << official.name;
    EXPECT_TRUE(official.sha256.empty() || official.sha256.size() == 64) << official.name;
    EXPECT_TRUE(official.md5.empty() || official.md5.size() == 32) << official.name;
  }
  for (const char* name : {"cifar10", "imdb", "lra_release"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name << ", though three sources share the release";
}

}  // namespace
}  // namespace lra
