// Client connections over TLS: what they trust, and what is said about what they do not trust.

#include "net/client/http_pool.hpp"
#include "net/client/live_dialer.hpp"
#include "tests/support/fault_proxy.hpp"

#include <arpa/inet.h>
#include <boost/test/unit_test.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using namespace syncline;

namespace {

/// Frees OpenSSL's objects.
struct openssl_deleter {
  void operator()(EVP_PKEY* key) const {
    EVP_PKEY_free(key);
  }
  void operator()(X509* certificate) const {
    X509_free(certificate);
  }
  void operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
  }
  void operator()(SSL* connection) const {
    SSL_free(connection);
  }
  void operator()(X509_EXTENSION* extension) const {
    X509_EXTENSION_free(extension);
  }
};
template <class T>
using owned = std::unique_ptr<T, openssl_deleter>;

/// A key with a certificate that it signed itself.
struct identity {
  owned<EVP_PKEY> key;
  owned<X509> certificate;
};

identity make_identity(const std::string& alternative_name, long valid_seconds) {
  identity made{owned<EVP_PKEY>{EVP_EC_gen("P-256")}, owned<X509>{X509_new()}};
  auto* const certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds);
  auto* const name = X509_get_subject_name(certificate);
  const auto* const text = reinterpret_cast<const unsigned char*>("syncline test");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, made.key.get());
  for (const auto& [kind, value] : {std::pair{NID_subject_alt_name, alternative_name},
                                    std::pair{NID_basic_constraints, std::string{"CA:TRUE"}}}) {
    const owned<X509_EXTENSION> extension{
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str())};
    X509_add_ext(certificate, extension.get(), -1);
  }
  if (X509_sign(certificate, made.key.get(), EVP_sha256()) == 0)
    throw std::runtime_error{"a certificate cannot be signed"};
  return made;
}

/// Serves one TLS connection at a time with one fixed reply.
class tls_server {
public:
  explicit tls_server(const identity& self) : context_{SSL_CTX_new(TLS_server_method())} {
    SSL_CTX_use_certificate(context_.get(), self.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), self.key.get());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), generic, &size) != 0)
      throw std::runtime_error{"cannot listen"};
    url_ = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread{[this] { run(); }};
  }
  tls_server(const tls_server&) = delete;
  tls_server& operator=(const tls_server&) = delete;
  ~tls_server() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  [[nodiscard]] const std::string& url() const {
    return url_;
  }

private:
  void run() {
    // OpenSSL writes with `write`: a client that has gone must not end the test.
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    for (;;) {
      const tests::descriptor socket{::accept(listener_.get(), nullptr, nullptr)};
      if (!socket)
        return;
      const owned<SSL> connection{SSL_new(context_.get())};
      SSL_set_fd(connection.get(), socket.get());
      std::string request(4096, '\0');
      if (SSL_accept(connection.get()) != 1 ||
          SSL_read(connection.get(), request.data(), static_cast<int>(request.size())) <= 0)
        continue;
      const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
      SSL_write(connection.get(), reply.data(), static_cast<int>(reply.size()));
      SSL_shutdown(connection.get());
    }
  }

  owned<SSL_CTX> context_;
  tests::descriptor listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string url_;
  std::thread thread_;
};

/// A PEM file that is deleted again.
class authority_file {
public:
  explicit authority_file(const identity& authority) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path_.c_str(), "w"),
                                                               &std::fclose};
    if (!file || PEM_write_X509(file.get(), authority.certificate.get()) != 1)
      throw std::runtime_error{"cannot write a certificate"};
  }
  authority_file(const authority_file&) = delete;
  authority_file& operator=(const authority_file&) = delete;
  ~authority_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const {
    return path_;
  }

private:
  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("syncline-ca-" + std::to_string(::getpid()) + ".pem"))
                        .string();
};

msg::HttpReply fetch(const std::string& url, const std::string& ca_file) {
  net::http_pool pool{{.ca_file = ca_file}};
  std::promise<msg::HttpReply> promise;
  msg::HttpRequest request;
  request.set_method("GET");
  request.set_target("/");
  pool.submit(url, request, [&promise](const msg::HttpReply& reply) { promise.set_value(reply); });
  return promise.get_future().get();
}

class end_listener : public net::live_listener {
public:
  void on_open() override {}
  void on_alive() override {}
  void on_message(std::string) override {}
  void on_end(core::error why) override {
    ended.set_value(why.code);
  }
  std::promise<std::string> ended;
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_client_tls)

BOOST_AUTO_TEST_CASE(only_a_certificate_of_a_known_authority_for_this_host_and_time_is_trusted) {
  const auto good = make_identity("IP:127.0.0.1", 3600);
  const auto other_host = make_identity("DNS:example.org", 3600);
  const auto expired = make_identity("IP:127.0.0.1", -3600);
  const auto outcome = [](const identity& self, const std::string& ca_file) {
    const tls_server server{self};
    const auto reply = fetch(server.url(), ca_file);
    return reply.failure().empty() ? reply.body() : reply.failure() + ": " + reply.failure_text();
  };
  const authority_file trust_good{good};
  BOOST_TEST(outcome(good, trust_good.path()) == "secret");
  BOOST_TEST(outcome(good, "").starts_with("tls_refused: "));
  BOOST_TEST(outcome(other_host, trust_good.path()).starts_with("tls_refused: "));
  {
    const authority_file trust_other{other_host};
    BOOST_TEST(outcome(other_host, trust_other.path()).starts_with("tls_refused: "));
  }
  const authority_file trust_expired{expired};
  const auto late = outcome(expired, trust_expired.path());
  BOOST_TEST(late.starts_with("tls_refused: "));
  BOOST_TEST(late.find("expired") != std::string::npos, late);
}

// The first connection of a dialer was made before its context verified anything.
BOOST_AUTO_TEST_CASE(the_first_live_connection_of_a_dialer_trusts_no_more_than_a_request_does) {
  const auto good = make_identity("IP:127.0.0.1", 3600);
  const auto other_host = make_identity("DNS:example.org", 3600);
  const auto outcome = [](const identity& self, const std::string& ca_file) {
    const tls_server server{self};
    net::live_dialer dialer{server.url(), {.ca_file = ca_file}};
    const auto listener = std::make_shared<end_listener>();
    auto ended = listener->ended.get_future();
    const auto line = dialer.dial(net::live_way::websocket, listener);
    return ended.get();
  };
  const authority_file trust_good{good};
  BOOST_TEST(outcome(good, trust_good.path()) == "not_our_server"); // It has answered.
  BOOST_TEST(outcome(good, "") == "tls_refused");
  BOOST_TEST(outcome(other_host, trust_good.path()) == "tls_refused");
  const authority_file trust_other{other_host};
  BOOST_TEST(outcome(other_host, trust_other.path()) == "tls_refused");
}

BOOST_AUTO_TEST_SUITE_END()
