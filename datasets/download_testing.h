/// For tests: a local HTTP server with scripted answers.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "core/error.h"

namespace lra {

struct Request {
  std::string path;
  std::size_t from = 0;  // the first byte of a Range header
  bool ranged = false;
  std::string if_range;  // the value of an If-Range header
};

/// Sends `answer`(request) on every connection, then closes it.
class Server {
 public:
  using Answer = std::function<void(const Request&, int connection)>;

  explicit Server(Answer answer) : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 8) != 0 || ::getsockname(listener_, raw, &size) != 0)
      fail("no server can be started on this machine");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  bool ending() const { return ending_; }
  long asked() const { return asked_; }

 private:
  void serve() {
    for (;;) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      const Request request = read_request(connection);
      ++asked_;
      answer_(request, connection);
      ::close(connection);
    }
  }

  static Request read_request(int connection) {
    std::string text;
    char block[1024];
    while (text.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(connection, block, sizeof block, 0);
      if (got <= 0) break;
      text.append(block, std::size_t(got));
    }
    Request request;
    const std::size_t begin = text.find(' ') + 1;
    request.path = text.substr(begin, text.find(' ', begin) - begin);
    const std::size_t range = text.find("Range: bytes=");
    if (range != std::string::npos) {
      request.ranged = true;
      request.from = std::stoul(text.substr(range + 13));
    }
    const std::size_t condition = text.find("If-Range: ");
    if (condition != std::string::npos)
      request.if_range = text.substr(condition + 10, text.find('\r', condition) - condition - 10);
    return request;
  }

  Answer answer_;
  int listener_;
  int port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<long> asked_ = 0;
  std::thread thread_;
};

inline void send(int connection, const std::string& text) {
  ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace lra
